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
        #expect(shown["undo"] == "mm undo can take it back", "\(shown)")
        #expect(try await files(home).isEmpty)
        _ = try await upload(home, "one", replacing: true)
        let entry = try #require(try await home.newest())
        #expect(entry.change.kind == .creation && entry.change.subject.name == "notes.txt")
        let answer = ChangesHome.value(try await home.call("undo", ["id": .string(entry.id)]))
        #expect(answer[0]?["result"] == "undone", "\(answer)")
        #expect(try await files(home).isEmpty)
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

    @Test("a file that was replaced says so before and after, in the audit log as well")
    func replaced() async throws {
        let home = try await ChangesHome(users: 12)
        _ = try await upload(home, "one")
        let shown = try await upload(home, "two", replacing: true, isDryRun: true)
        #expect(shown["undo"]?.string?.contains("replaced what the file held") == true, "\(shown)")
        _ = try await upload(home, "two", replacing: true)
        let entry = try #require(try await home.newest())
        #expect(entry.change.obstacle?.contains("/versions") == true)
        let bytes = try ProtectedFile.read(home.home.paths.auditLog, limit: 16 << 20) ?? []
        let line = try #require(bytes.split(separator: 0x0A).last.flatMap { try? JSONParser.parse(Array($0)) })
        #expect(line["method"] == "PUT" && line["file"] == "notes.txt" && line["replaced"] == true, "\(line)")
        #expect(line["path"]?.string?.contains("notes.txt") == true)
        await home.stop()
    }
}
