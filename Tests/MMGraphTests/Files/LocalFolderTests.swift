import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMGraph

@Suite("Local folders", .timeLimit(.minutes(5)))
struct LocalFolderTests {
    private let home: TestHome
    private let root: String

    init() throws {
        home = try TestHome()
        root = home.path + "/root"
    }

    private func look() throws -> LocalFolder {
        try LocalFolder(FileDescriptor.open(root, O_RDONLY), path: root)
    }

    @Test("are read recursively; links, pipes and empty folders are left out with the reason")
    func contents() throws {
        for path in ["b.txt", "a/x.txt", "a/deep/er/y.txt"] { try home.write("\(root)/\(path)", [1]) }
        #expect(symlink("/etc", root + "/a/link") == 0 && symlink("nowhere", root + "/z") == 0)
        #expect(mkfifo(root + "/pipe", 0o600) == 0 && mkdir(root + "/empty", 0o700) == 0)
        let folder = try look()
        #expect(folder.files.map(\.path) == ["a/deep/er/y.txt", "a/x.txt", "b.txt"])
        let reasons = folder.leftOut.map { "\($0.path): \($0.reason ?? "")" }
        #expect(
            reasons == [
                "a/link: a symbolic link", "empty: an empty folder", "pipe: not a regular file", "z: a symbolic link",
            ])
    }

    @Test("a file isn't a folder, and the error says which option to omit")
    func file() throws {
        try home.write(root, [1])
        let error = #expect(throws: MMError.self) { try look() }
        let hint = error?.hint ?? ""
        #expect(error?.code == .invalidInput && hint.contains("recursive"))
    }
}

@Suite("Names in drives", .timeLimit(.minutes(5)))
struct DriveNamesTests {
    @Test(
        "names that the service refuses are known",
        arguments: [
            "a:b", "what?", "a|b", "a\\b", " a", "a ", "a.", "CON", "com3.txt", "nul.tar.gz", ".lock", "desktop.ini",
            "~$report.docx", "x_vti_y", "a\nb", String(repeating: "a", count: 256),
        ])
    func refused(name: String) {
        #expect(DriveNames.fault(in: ["folder", name]) != nil)
        #expect(DriveNames.fault(in: [name, "file"]) != nil)
    }

    @Test(
        "names that it accepts pass",
        arguments: ["a b.txt", "ü#1%.txt", "console", "com", "comet", ".profile", "~a", "lock", "a..b", "日本"])
    func taken(name: String) {
        #expect(DriveNames.fault(in: ["folder", name]) == nil)
    }

    @Test("a path that is too long is refused")
    func length() {
        #expect(DriveNames.fault(in: Array(repeating: "twenty characters ok", count: 20)) != nil)
        #expect(DriveNames.fault(in: Array(repeating: "twenty characters ok", count: 19)) == nil)
    }

    @Test("names that differ only in case conflict")
    func clashes() {
        let found = DriveNames.clashes(["a/x.txt", "A/X.TXT", "b", "c"])
        #expect(found.map(\.0) == ["a/x.txt"] && found.map(\.1) == ["A/X.TXT"])
    }
}
