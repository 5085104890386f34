#ifndef RF_EXPORT_H
#define RF_EXPORT_H

/* For all functions of the public interface. The version map (libresty_ffi.map) decides what is exported; this only
   lifts -fvisibility=hidden. */
#define API __attribute__((visibility("default")))

#endif
