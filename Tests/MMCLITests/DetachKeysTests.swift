import Testing

@testable import MMCLI

@Suite("The keys that leave a terminal", .timeLimit(.minutes(5)))
struct DetachKeysTests {
    @Test(
        "are Ctrl-] d, in one piece or in two; all other keys pass",
        arguments: [
            (["abc"], "abc", false), (["\u{1D}d"], "", true), (["a\u{1D}", "d"], "a", true),
            (["\u{1D}\u{4}"], "", true), (["\u{1D}\u{1D}"], "\u{1D}", false), (["\u{1D}x"], "\u{1D}x", false),
            (["\u{1D}", "\u{1D}", "d"], "\u{1D}d", false), (["ä\u{1B}[A\u{3}"], "ä\u{1B}[A\u{3}", false),
        ] as [([String], String, Bool)])
    func keys(typed: [String], expected: String, leaves: Bool) {
        var keys = DetachKeys()
        var passed: [UInt8] = []
        var left = false
        for piece in typed {
            let taken = keys.take(Array(piece.utf8))
            passed += taken.keys
            left = left || taken.leaves
        }
        #expect(String(decoding: passed, as: UTF8.self) == expected)
        #expect(left == leaves)
    }
}
