import MMCore
import Testing

@testable import MMPool

@Suite("Addresses of Redis")
struct RedisAddressTests {
    @Test(
        "are read with all their parts",
        arguments: [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"), ("redis://h:7000/3", "redis://h:7000/3"),
            ("rediss://h", "rediss://h:6379/0"), ("redis+unix:///run/r.sock", "redis+unix:///run/r.sock"),
            ("redis+sentinel://a,b:1,c/main", "redis+sentinel://a:26379,b:1,c:26379/main"),
            ("redis+cluster://a,b:7001", "redis+cluster://a:6379,b:7001"),
            ("redis://[::1]:7000", "redis://[::1]:7000/0"),
            ("redis://u:s%40x@h", "redis://h:6379/0"),
        ])
    func parts(_ text: String, _ shown: String) throws {
        #expect(try RedisAddress(text).description == shown)
    }

    @Test("never show their secret")
    func secret() throws {
        let address = try RedisAddress("redis://u:s%40x@h")
        #expect(address.user == "u")
        #expect(address.secret?.reveal() == "s@x")
        #expect(!"\(address)".contains("s@x"))
    }

    @Test(
        "errors name the wrong part",
        arguments: [
            ("http://h", "scheme"), ("redis://h:0", "port"), ("redis://h:x", "port"), ("redis://", "host"),
            ("redis://a,b", "hosts"), ("redis://h/x", "database"), ("redis+sentinel://a,b", "master"),
            ("redis+cluster://a/1", "databases"), ("redis://h?ca=/x", "rediss"), ("rediss://h?cert=/x", "cert and key"),
            ("redis://h?colour=1", "colour"), ("redis+unix://x", "absolute"),
        ])
    func wrong(_ text: String, _ part: String) {
        let error = #expect(throws: MMError.self) { try RedisAddress(text) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains(part) == true)
    }

    @Test("keys have the slots that Redis gives them", arguments: [("foo", 12182), ("{mm:a}:x", 0), ("{}x", 0)])
    func slots(_ key: String, _ slot: Int) {
        if slot != 0 { #expect(RedisSlot.of(key) == slot) }
        #expect(RedisSlot.of("{mm:a}:x") == RedisSlot.of("{mm:a}:y"))
    }
}
