import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Files with secrets", .timeLimit(.minutes(5)))
struct SecretFileTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
    }

    @Test(
        "a byte order mark and the line ends after a secret don't belong to it", arguments: ["", "\u{FEFF}"],
        ["", "\n", "\r\n", "\n\n"])
    func lineEnds(mark: String, end: String) throws {
        try folder.write("x", mark + " pass word-7391 " + end)
        #expect(try SecretFile.read(folder["x"])?.reveal() == " pass word-7391 ")
        #expect(try SecretFile.key(folder["x"]) == Array(" pass word-7391 ".utf8))
        #expect(try SecretFile.read(folder["none"]) == nil)
    }

    @Test("a secret that was read is redacted from then on")
    func held() throws {
        let secret = "kept in a file: " + Hex.text(RandomBytes.make(10))
        try folder.write("x", secret + "\n")
        _ = try SecretFile.read(folder["x"])
        #expect(Redactor.standard.text("before \(secret) after") == "before \(Redactor.mark) after")
    }

    @Test("a key needn't be text")
    func bytes() throws {
        try folder.write("x", [0xFF, 0x00, 0xFE, 0x0A])
        #expect(try SecretFile.key(folder["x"]) == [0xFF, 0x00, 0xFE])
    }

    @Test("one that other users can read is refused", arguments: [0o640, 0o604, 0o644, 0o444] as [mode_t])
    func shown(mode: mode_t) throws {
        try folder.write("x", "secret", mode: mode)
        let error = #expect(throws: MMError.self) { try SecretFile.read(folder["x"]) }
        #expect(error?.code == .forbidden && error?.hint?.contains("chmod 600") == true)
    }

    @Test("a link, a folder and a file that is too large are refused")
    func others() throws {
        try folder.write("x", "12345")
        #expect(symlink(folder["x"], folder["link"]) == 0 && mkdir(folder["folder"], 0o700) == 0)
        #expect(throws: MMError.self) { try SecretFile.read(folder["link"]) }
        #expect(throws: MMError.self) { try SecretFile.read(folder["folder"]) }
        #expect(throws: MMError.self) { try SecretFile.read(folder["x"], limit: 4) }
    }
}
