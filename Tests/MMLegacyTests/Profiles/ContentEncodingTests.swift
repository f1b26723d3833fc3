import MMCore
import Testing

@testable import MMLegacy

@Suite("Content of files in the earlier servers' tools")
struct ContentEncodingTests {
    @Test(
        "an encoding is known in its usual spellings, and the default is the tool's own",
        arguments: [
            ("utf-8", .text), ("utf8", .text), ("UTF-8", .text), ("utf_8", .text), ("base64", .base64),
            ("Base64", .base64), ("", .base64), (nil, .base64),
        ] as [(JSONValue, ContentEncoding)])
    func known(word: JSONValue, encoding: ContentEncoding) throws {
        #expect(try ContentEncoding.of(ToolArguments(["encoding": word]), or: .base64) == encoding)
    }

    @Test(
        "any other encoding is refused by a message that names the known ones", arguments: ["latin-1", "utf-16", "x"])
    func unknown(word: String) throws {
        let error = #expect(throws: MMError.self) {
            try ContentEncoding.of(ToolArguments(["encoding": .string(word)]), or: .text)
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message == "unknown encoding '\(word)': use utf-8 or base64")
    }

    @Test(
        "permissions are permission bits or absent",
        arguments: [(0, 0), (420, 420), (4095, 4095), (nil, nil)] as [(JSONValue, UInt32?)])
    func permissions(written: JSONValue, bits: UInt32?) throws {
        #expect(try ToolArguments(["permissions": written]).permissions() == bits)
        #expect(try ToolArguments([:]).permissions() == nil)
    }

    @Test(
        "other permissions are refused",
        arguments: [-1, 4096, .int(.max), 0.5, 1e300, "rw", "420", true] as [JSONValue])
    func wrongPermissions(written: JSONValue) {
        let error = #expect(throws: MMError.self) { try ToolArguments(["permissions": written]).permissions() }
        #expect(error?.code == .invalidInput)
    }
}
