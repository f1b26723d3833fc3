import Glibc
import MMCore
import MMOperations
import TestSupport
import Testing

@Suite("The folder of the owner's tools")
struct ToolFolderTests {
    private let home: TestHome
    private let path: String

    init() throws {
        home = try TestHome()
        path = home.paths.toolsDirectory
    }

    private func put(_ name: String, _ text: String = "description: x\nsteps:\n  - get: /me\n") throws {
        try ProtectedFile.replace("\(path)/\(name)", with: Array(text.utf8))
    }

    private var folder: ToolFolder { ToolFolder(path, reserved: ["run"], modules: [:]) }

    @Test("a broken definition is reported with its file and line, and the others go on")
    func broken() throws {
        try put("good.yaml")
        try put("bad.yaml", "description: x\nsteps:\n  - gett: /me\n")
        try put("README.md", "nothing")
        try put(".hidden.yaml", "nothing")
        let contents = folder.read()
        #expect(contents.definitions.map(\.name) == ["good"])
        #expect(contents.problems.map(\.file) == ["\(path)/bad.yaml"])
        #expect(contents.problems.first?.line == 3)
    }

    @Test("no folder means no tools and no fault")
    func missing() {
        let contents = folder.read()
        #expect(contents.definitions.isEmpty && contents.problems.isEmpty)
    }

    @Test("a file that others may write is refused", arguments: [0o620, 0o602, 0o666] as [mode_t])
    func writable(mode: mode_t) throws {
        try put("a.yaml")
        #expect(folder.read().definitions.count == 1)
        #expect(chmod("\(path)/a.yaml", mode) == 0)
        let contents = folder.read()
        #expect(contents.definitions.isEmpty)
        #expect(contents.problems.first?.hint?.contains("chmod") == true)
    }

    @Test("what others may only read is fine, and a folder that others may write is not")
    func modes() throws {
        try put("a.yaml")
        #expect(chmod("\(path)/a.yaml", 0o644) == 0)
        #expect(folder.read().definitions.count == 1)
        #expect(chmod(path, 0o777) == 0)
        #expect(folder.read().definitions.isEmpty)
        #expect(chmod(path, 0o755) == 0)
        #expect(folder.read().definitions.count == 1)
    }

    @Test("a link is not followed")
    func link() throws {
        try put("a.txt")
        #expect(symlink("\(path)/a.txt", "\(path)/a.yaml") == 0)
        let contents = folder.read()
        #expect(contents.definitions.isEmpty && contents.problems.count == 1)
    }

    @Test("a name stands once, and never for an operation")
    func names() throws {
        try put("one.yaml", "name: same\ndescription: x\nsteps:\n  - get: /me\n")
        try put("two.yaml", "name: Same\ndescription: x\nsteps:\n  - get: /me\n")
        try put("run.yaml")
        let contents = folder.read()
        #expect(contents.definitions.map(\.place) == ["\(path)/one.yaml"])
        #expect(contents.problems.count == 2)
    }

    @Test("a change of a file changes the folder's stamp")
    func stamp() throws {
        try put("a.yaml")
        let first = folder.stamp()
        #expect(folder.stamp() == first)
        try put("a.yaml", "description: other\nsteps:\n  - get: /me\n")
        #expect(folder.stamp() != first)
        let second = folder.stamp()
        try put("b.yaml")
        #expect(folder.stamp() != second)
    }
}
