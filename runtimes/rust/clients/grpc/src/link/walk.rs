//! Every message and every enum of a file, with its full name and its features.

use crate::descriptor::{self, FeatureSet, File};
use crate::features;
use crate::proto::joined;

type Visit<'v, 'f, T> = &'v mut dyn FnMut(&str, &'f T, FeatureSet);

pub fn each_message<'f>(file: &'f File, visit: Visit<'_, 'f, descriptor::Message>) {
    let around = features::of_file(file);
    each_nested(&file.package, &file.message_type, around, visit);
}

fn each_nested<'f>(
    scope: &str,
    messages: &'f [descriptor::Message],
    around: FeatureSet,
    visit: Visit<'_, 'f, descriptor::Message>,
) {
    for message in messages {
        let name = joined(scope, &message.name);
        let features = features::of_message(message, around);
        visit(&name, message, features);
        each_nested(&name, &message.nested_type, features, visit);
    }
}

pub fn each_enum<'f>(file: &'f File, visit: Visit<'_, 'f, descriptor::Enum>) {
    let mut list = |scope: &str, enums: &'f [descriptor::Enum], around: FeatureSet| {
        for found in enums {
            let options = found.options.as_ref();
            let features = around.with(options.and_then(|options| options.features));
            visit(&joined(scope, &found.name), found, features);
        }
    };
    list(&file.package, &file.enum_type, features::of_file(file));
    each_message(file, &mut |name, message, features| {
        list(name, &message.enum_type, features);
    });
}
