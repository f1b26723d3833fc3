import MMCore
import Testing

@testable import MMOperations

@Suite("Texts as editors save them")
struct SavedTextTests {
    @Test(
        "UTF-8, UTF-16 behind its mark and, of scripts, the code page of old are read",
        arguments: [
            (Array("# Zoë".utf8), "# Zoë", "# Zoë"), ([0xFF, 0xFE, 0x23, 0x00, 0xEB, 0x00], "#ë", "#ë"),
            ([0xFE, 0xFF, 0x00, 0x23, 0x20, 0x13], "#–", "#–"),
        ])
    func reads(bytes: [UInt8], text: String, script: String) throws {
        #expect(try SavedText.read(bytes) == text)
        #expect(try SavedText.readScript(bytes) == script)
    }

    @Test("only a script may be in the code page of old")
    func old() throws {
        #expect(throws: SavedText.Fault.otherBytes) { try SavedText.read([0x23, 0x96, 0xEB]) }
        #expect(try SavedText.readScript([0x23, 0x96, 0xEB]) == "#–ë")
    }

    @Test(
        "other files are refused with what is wrong with them, scripts too", arguments: ["a.ps1", "body.json"],
        [
            ([0xFF, 0xFE, 0x23, 0x00, 0xEB], .cutUTF16), ([0xFF, 0xFE, 0x57, 0x62, 0x5B], .cutUTF16),
            ([0xFF, 0xFE, 0x00, 0xD8], .badUTF16), ([0x23, 0x00, 0x96], .zeroBytes),
        ] as [([UInt8], SavedText.Fault)])
    func refuses(path: String, file: (bytes: [UInt8], fault: SavedText.Fault)) throws {
        let error = #expect(throws: MMError.self) { try SavedText.read(file.bytes, from: path) }
        #expect(error?.message == "The file \(path) \(file.fault.rawValue).")
    }

    @Test("scripts are known by their names", arguments: [("a/B.PS1", true), ("m.psm1", true), ("body.json", false)])
    func names(path: String, isScript: Bool) {
        #expect(SavedText.isScript(path) == isScript)
    }
}
