import Testing

@testable import MMOperations

@Suite("Texts as editors save them")
struct SavedTextTests {
    @Test(
        "UTF-8, UTF-16 behind its mark and, of scripts, the code page of old are read",
        arguments: [
            (Array("# Zoë".utf8), "# Zoë", "# Zoë"), ([0xFF, 0xFE, 0x23, 0x00, 0xEB, 0x00], "#ë", "#ë"),
            ([0xFE, 0xFF, 0x00, 0x23, 0x20, 0x13], "#–", "#–"), ([0x23, 0x96, 0xEB], nil, "#–ë"),
            ([0x23, 0x00, 0x96], nil, nil),
        ] as [([UInt8], String?, String?)])
    func reads(bytes: [UInt8], text: String?, script: String?) {
        #expect(SavedText.read(bytes) == text)
        #expect(SavedText.readScript(bytes) == script)
    }

    @Test("scripts are known by their names", arguments: [("a/B.PS1", true), ("m.psm1", true), ("body.json", false)])
    func names(path: String, isScript: Bool) {
        #expect(SavedText.isScript(path) == isScript)
    }
}
