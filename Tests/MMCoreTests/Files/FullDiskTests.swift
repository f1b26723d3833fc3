import Glibc
import TestSupport
import Testing

@testable import MMCore

/// Runs in its own process, where files are limited to a few bytes: the closest to a full disk without being root.
@Suite("A full disk", .timeLimit(.minutes(5)))
struct FullDiskTests {
    @Test("a replace that doesn't fit leaves the old content and its backup, and no draft")
    func replace() async {
        await #expect(processExitsWith: .success) {
            let folder = try TestFolder()
            try ProtectedFile.replace(folder["x"], with: Array("old".utf8))
            limitFileSize(1000)
            let error = mmError {
                try ProtectedFile.replace(folder["x"], with: [UInt8](repeating: 1, count: 5000), backup: true)
            }
            #expect(error?.code == .limitExceeded)
            #expect(folder.text("x") == "old")
            #expect(try folder.names() == ["x"])
        }
    }

    @Test("the registry isn't damaged by an edit that doesn't fit")
    func registry() async {
        await #expect(processExitsWith: .success) {
            let folder = try TestFolder()
            let registry = ConnectionRegistry(path: folder["r.json"])
            try registry.edit { document throws(MMError) in try RegistryEdit.add("A", fields: [], to: &document) }
            let before = folder.bytes("r.json")
            limitFileSize(200)
            let error = mmError {
                try registry.edit { document throws(MMError) in
                    let text = String(repeating: "x", count: 500)
                    try RegistryEdit.add("B", fields: [("description", text)], to: &document)
                }
            }
            #expect(error?.code == .limitExceeded)
            #expect(folder.bytes("r.json") == before)
            #expect(try registry.snapshot().names == ["A"])
        }
    }

    @Test("log lines are lost without an error")
    func logs() async {
        await #expect(processExitsWith: .success) {
            let folder = try TestFolder()
            limitFileSize(0)
            let log = Log(LogSettings(path: folder["logs/pool.log"]))
            for _ in 0..<10 { log.error("something happened") }
            #expect((folder.bytes("logs/pool.log") ?? []).isEmpty)
        }
    }

    @Test("an answer is returned even if its rest can't be stored")
    func outputs() async {
        await #expect(processExitsWith: .success) {
            let folder = try TestFolder()
            limitFileSize(100)
            let shaper = OutputTruncator(
                store: OutputStore(directory: folder["out"]), budget: OutputBudget(characters: 100, tokens: 100))
            let shaped = shaper.truncate(text: Array(String(repeating: "line\n", count: 1000).utf8), connection: "C")
            #expect(!shaped.isWhole)
            #expect(shaped.stored == nil)
            #expect(shaped.text.hasPrefix("line\n"))
            #expect(shaped.note()?.contains("could not be stored") == true)
            #expect(try folder.names("out").isEmpty)
        }
    }

    @Test("an audit line that doesn't fit is an error, and the next one records that it was torn")
    func audit() async {
        await #expect(processExitsWith: .success) {
            let folder = try TestFolder()
            let audit = AuditLog(path: folder["audit.jsonl"])
            func add(_ entry: JSONObject) throws { try audit.append(entry) }
            try add(["operation": "first"])
            let size = folder.bytes("audit.jsonl")?.count ?? 0
            limitFileSize(size + 50)
            #expect(mmError { try add(["operation": "second"]) }?.code == .limitExceeded)
            limitFileSize(1 << 20)
            try add(["operation": "third"])
            let found = try audit.verify()
            #expect(found.isSound)
            #expect(found.entries == 2)
            #expect(found.tornLines == 1)
        }
    }
}

/// Limits the size of every file that this process writes, without the signal.
private func limitFileSize(_ bytes: Int) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: .max)
    guard getrlimit(__rlimit_resource_t(1), &limit) == 0 else { return }
    limit.rlim_cur = rlim_t(bytes)
    setrlimit(__rlimit_resource_t(1), &limit)
}
