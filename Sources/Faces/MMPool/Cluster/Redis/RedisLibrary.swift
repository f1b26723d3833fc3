import CHiredis

/// The library that speaks with Redis.
package enum RedisLibrary {
    /// Why it can't be used; `nil` where it can.
    package static var fault: String? {
        mm_redis_load().map { "\(String(cString: $0)): apt-get install libhiredis0.14" }
    }
}
