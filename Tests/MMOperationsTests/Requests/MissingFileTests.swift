import MMCore
import MMShell
import TestSupport
import Testing

@testable import MMOperations

@Suite("A file that the caller names and that isn't there")
struct MissingFileTests {
    @Test(
        "is reported with the folder in which a relative name was looked for",
        arguments: [("nothing.txt", true), ("a/nothing.txt", true), ("/nothing/there.txt", false)])
    func missing(name: String, isRelative: Bool) async throws {
        let home = try TestHome()
        let files = LocalFiles(directory: home.path, rules: FileRules())
        let error = await #expect(throws: MMError.self) {
            try await CallerFiles.named(name, in: files) { (files) async throws(MMError) in try await files.read(name) }
        }
        #expect(error?.code == .invalidInput && error?.message.contains(name) == true, "\(String(describing: error))")
        #expect(error?.hint?.contains(home.path) == isRelative, "\(String(describing: error))")
    }
}
