import MMCore
import TestSupport
import Testing

@testable import MMOperations
@testable import MMShell

@Suite("Bytes of a command as text", .timeLimit(.minutes(5)))
struct ShellTextTests {
    @Test("pages of any size add up to every character", arguments: 4...40)
    func pages(size: Int) {
        let all = Array("aä€😀b".utf8) + Array(String(repeating: "é🇨🇭 x", count: 20).utf8)
        var text = ""
        var position = 0
        while position < all.count {
            let end = min(position + size, all.count)
            let piece = ShellText(Array(all[position..<end]), isCut: position > 0 || end < all.count)
            #expect(piece.encoding == nil)
            text += piece.text
            position = end - piece.left
        }
        #expect(text == String(decoding: all, as: UTF8.self))
    }

    @Test("what is no text is base64, whole")
    func binary() {
        let bytes: [UInt8] = [0xFF, 0xFE, 0x41, 0xC3]
        let piece = ShellText(bytes, isCut: true)
        #expect(piece.encoding == .base64)
        #expect(piece.left == 0)
        #expect(piece.text == Base64.text(bytes))
    }

    @Test(
        "one odd byte leaves a text readable to who reads it, and what has no letters is base64 to everybody",
        arguments: [
            ([0x63, 0x61, 0x66, 0xE9, 0x0A], "caf\\xe9\n", ShellText.Encoding.escaped),
            (Array("ä€😀".utf8) + [0x80] + Array("ok".utf8), "ä€😀\\x80ok", .escaped),
            ([0xFF, 0xFE, 0x80, 0x41], "//6AQQ==", .base64),
            (Array("text".utf8) + [0, 0xFF], "dGV4dAD/", .base64),
        ] as [([UInt8], String, ShellText.Encoding)])
    func oddBytes(bytes: [UInt8], text: String, encoding: ShellText.Encoding) {
        let read = ShellText(bytes, isRead: true)
        #expect(read.text == text && read.encoding == encoding)
        #expect(ShellText(bytes).encoding == .base64)
    }

    @Test("an output that is cut for an answer stays text", arguments: 20...60)
    func cut(room: Int) {
        let bytes = Array(String(repeating: "ä€😀", count: 100).utf8)
        let output = ShellJob.Output(head: bytes, tail: [], omitted: 0, total: bytes.count)
        let shown = ShellReport.fit(output, in: room)
        #expect(String(validating: shown.bytes, as: UTF8.self) != nil)
        #expect(shown.omitted > 0)
    }

    @Test("what the store had no room for is said, and where the whole is kept nothing is")
    func stored() throws {
        let folder = try TestFolder.make()
        defer { TestFolder.remove(folder) }
        let whole = try OutputStore(directory: folder).put(Array("0123456789".utf8), connection: "", asText: true)
        let kept = ShellReport.cut(total: 10, omitted: 4, stored: whole)
        #expect(kept["output"] == .string(whole.handle) && kept["not_kept"] == nil && kept["note"] == nil)
        let lacking = ShellReport.cut(total: 25, omitted: 4, stored: whole)
        #expect(lacking["not_kept"] == 15 && lacking["note"]?.string?.contains("first 10 bytes") == true)
        #expect(ShellReport.cut(total: 25, omitted: 4, stored: nil)["output"] == nil)
    }
}
