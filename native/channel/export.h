#ifndef RF_EXPORT_H
#define RF_EXPORT_H

/* The version map (libresty_ffi.map) decides what is exported; this only lifts -fvisibility=hidden. */
#define API __attribute__((visibility("default")))

#endif
