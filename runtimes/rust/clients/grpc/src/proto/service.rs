//! Services and their methods.

use super::options::{Seen, Target};
use super::parser::Parser;
use crate::descriptor::{Method, Service};

impl Parser<'_> {
    pub fn service(&mut self) -> Result<Service, String> {
        let mut service = Service {
            name: self.marked_name("the name of the service")?,
            ..Service::default()
        };
        let mut seen = Seen::default();
        self.expect("{")?;
        while !self.takes("}") {
            if self.takes(";") {
                continue;
            } else if self.takes("option") {
                self.option(Target::Service, &mut seen, &mut None, &mut |_, _| Ok(()))?;
                self.expect(";")?;
            } else if self.takes("rpc") {
                let method = self.within(2, service.method.len(), Self::method)?;
                service.method.push(method);
            } else {
                return self.expected("'rpc', 'option' or '}'");
            }
        }
        Ok(service)
    }

    fn method(&mut self) -> Result<Method, String> {
        let name = self.marked_name("the name of the method")?;
        let (client_streaming, input_type) = self.message_of_method(2)?;
        self.expect("returns")?;
        let (server_streaming, output_type) = self.message_of_method(3)?;
        if self.takes("{") {
            let mut seen = Seen::default();
            while !self.takes("}") {
                if self.takes(";") {
                    continue;
                } else if self.takes("option") {
                    self.option(Target::Method, &mut seen, &mut None, &mut |_, _| Ok(()))?;
                    self.expect(";")?;
                } else {
                    return self.expected("'option' or '}'");
                }
            }
        } else {
            self.expect(";")?;
        }
        Ok(Method {
            name,
            input_type,
            output_type,
            client_streaming,
            server_streaming,
        })
    }

    fn message_of_method(&mut self, field: i32) -> Result<(bool, String), String> {
        self.expect("(")?;
        let streams = self.takes("stream");
        self.mark(&[field], self.peek().place);
        let name = self.type_name("the name of a message")?;
        self.expect(")")?;
        Ok((streams, name))
    }
}
