import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Uploads in the journal", .timeLimit(.minutes(10)))
struct UploadUndoTests {
    private func upload(_ home: ChangesHome, _ text: String, replacing: Bool = false, isDryRun: Bool = false)
        async throws -> JSONValue
    {
        let path = home.home.path + "/notes.txt"
        try ProtectedFile.replace(path, with: Array(text.utf8))
        var arguments: JSONObject = [
            "connection": "Demo", "endpoint": "/me/drive/root:/Documents/", "upload": .string(path),
        ]
        if replacing { arguments["conflict"] = "replace" }
        if isDryRun { arguments["dryRun"] = true }
        return ChangesHome.value(try await home.call("graph_request", arguments))
    }

    private func files(_ home: ChangesHome) async throws -> [JSONValue] {
        try await home.list("/me/drive/root:/Documents:/children").filter { $0["name"] == "notes.txt" }
    }

    @Test("a new file is deleted by its undo, and a dry run sends nothing")
    func new() async throws {
        let home = try await ChangesHome(users: 12)
        let shown = try await upload(home, "one", isDryRun: true)
        #expect(shown["undo"] == "can be taken back", "\(shown)")
        #expect(try await files(home).isEmpty)
        _ = try await upload(home, "one", replacing: true)
        let entry = try #require(try await home.newest())
        #expect(entry.change.kind == .creation && entry.change.subject.name == "notes.txt")
        let answer = ChangesHome.value(try await home.call("undo", ["id": .string(entry.id)]))
        #expect(answer[0]?["result"] == "undone", "\(answer)")
        #expect(try await files(home).isEmpty)
        await home.stop()
    }

    @Test(
        "a file has the name that it got in the drive",
        arguments: [("/me/drive/root:/Documents/Bericht ä.txt", nil), ("/me/drive/root:/Documents/", "rename")]
            as [(String, String?)])
    func names(endpoint: String, conflict: String?) async throws {
        let home = try await ChangesHome(users: 12)
        if conflict != nil { _ = try await upload(home, "one") }
        let path = home.home.path + "/notes.txt"
        try ProtectedFile.replace(path, with: Array("two".utf8))
        var arguments: JSONObject = ["connection": "Demo", "endpoint": .string(endpoint), "upload": .string(path)]
        arguments["conflict"] = conflict.map { .string($0) }
        let item = ChangesHome.value(try await home.call("graph_request", arguments))
        let name = try #require(item["name"]?.string)
        #expect(name != "notes.txt")
        #expect(try await home.newest()?.change.subject.name == name)
        await home.stop()
    }

    @Test("a dry run says whether a file of that name is in the way", arguments: [true, false])
    func inTheWay(isThere: Bool) async throws {
        let home = try await ChangesHome(users: 12)
        if isThere { _ = try await upload(home, "one") }
        let path = home.home.path + "/notes.txt"
        try ProtectedFile.replace(path, with: Array("another text".utf8))
        let answer = try await home.call(
            "graph_request",
            [
                "connection": "Demo", "endpoint": "/me/drive/root:/Documents/", "upload": .string(path),
                "dryRun": true,
            ])
        #expect(answer.notes.contains { $0.contains("A file with this name exists") } == isThere, "\(answer.notes)")
        await home.stop()
    }

    @Test("what was uploaded and then changed is left alone")
    func changed() async throws {
        let home = try await ChangesHome(users: 12)
        _ = try await upload(home, "one")
        let entry = try #require(try await home.newest())
        _ = try await upload(home, "another text", replacing: true)
        let error = await #expect(throws: MMError.self) { try await home.call("undo", ["id": .string(entry.id)]) }
        #expect(error?.code == .conflict, "\(error as Any)")
        #expect(try await files(home).count == 1)
        await home.stop()
    }

    private func undo(_ home: ChangesHome, _ id: String) async throws(MMError) -> JSONValue {
        ChangesHome.value(try await home.call("undo", ["id": .string(id)]))[0]?["result"] ?? .null
    }

    @Test("a file that was replaced says so before and after, gets back what it held, and that is taken back as well")
    func replaced() async throws {
        let home = try await ChangesHome(users: 12)
        _ = try await upload(home, "one")
        let shown = try await upload(home, "another text", replacing: true, isDryRun: true)
        #expect(shown["undo"] == "can be taken back", "\(shown)")
        #expect(shown["lines"]?[0]?.string?.contains("version 1.0") == true, "\(shown)")
        _ = try await upload(home, "another text", replacing: true)
        let entry = try #require(try await home.newest())
        #expect(entry.change.kind == .content && entry.change.subject.name == "notes.txt")
        let bytes = try ProtectedFile.read(home.home.paths.auditLog, limit: 16 << 20) ?? []
        let line = try #require(bytes.split(separator: 0x0A).last.flatMap { try? JSONParser.parse(Array($0)) })
        #expect(line["method"] == "PUT" && line["file"] == "notes.txt" && line["replaced"] == true, "\(line)")
        #expect(line["path"]?.string?.contains("notes.txt") == true)
        #expect(try await files(home)[0]["size"] == 12)
        #expect(try await undo(home, entry.id) == "undone")
        #expect(try await files(home)[0]["size"] == 3)
        let undoing = try #require(try await home.newest())
        #expect(undoing.undoes == entry.id && undoing.change.reasonAgainstUndo == nil)
        #expect(try await undo(home, undoing.id) == "undone")
        #expect(try await files(home)[0]["size"] == 12)
        await home.stop()
    }

    @Test("bytes that a request puts into a file are noted like an upload", arguments: [true, false])
    func request(isThere: Bool) async throws {
        let home = try await ChangesHome(users: 12)
        if isThere { _ = try await upload(home, "one") }
        _ = try await home.call(
            "graph_request",
            [
                "connection": "Demo", "endpoint": "/me/drive/root:/Documents/notes.txt:/content", "method": "PUT",
                "body": ["more": "than one"],
            ])
        let entry = try #require(try await home.newest())
        #expect(entry.change.kind == (isThere ? .content : .creation), "\(entry.change)")
        #expect(try await undo(home, entry.id) == "undone")
        #expect(try await files(home).map { $0["size"] } == (isThere ? [3] : []))
        await home.stop()
    }

    @Test("what somebody wrote into a replaced file since is left alone, and the later change is named")
    func replacedSince() async throws {
        let home = try await ChangesHome(users: 12)
        _ = try await upload(home, "one")
        _ = try await upload(home, "another text", replacing: true)
        let entry = try #require(try await home.newest())
        _ = try await upload(home, "the third text", replacing: true)
        let later = try #require(try await home.newest())
        let error = await #expect(throws: MMError.self) { try await undo(home, entry.id) }
        #expect(error?.code == .conflict && error?.hint?.contains(later.id) == true, "\(error as Any)")
        #expect(try await files(home)[0]["size"] == 14)
        // Both, the last one first.
        let rows = ChangesHome.value(try await home.call("undo", ["since": "1h"])).array ?? []
        #expect(rows.count == 3 && rows.allSatisfy { $0["result"] == "undone" }, "\(rows)")
        #expect(try await files(home).isEmpty)
        await home.stop()
    }

    @Test("a version that the service did not keep is not said to be back")
    func notKept() async throws {
        let home = try await ChangesHome(users: 12)
        _ = try await upload(home, "one")
        _ = try await upload(home, "another text", replacing: true)
        let entry = try #require(try await home.newest())
        try await home.control(
            "POST", "faults", ["kind": "status", "status": 404, "method": "GET", "path": "*versions", "count": 1])
        let error = await #expect(throws: MMError.self) { try await undo(home, entry.id) }
        #expect(error?.code == .unsupported && error?.message.contains("no longer exists") == true, "\(error as Any)")
        #expect(try await files(home)[0]["size"] == 12)
        await home.stop()
    }
}
