import Glibc
import MMCore
import MMGraph
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("The journal of changes", .timeLimit(.minutes(5)))
struct ChangeJournalTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private var folder: String { home.paths.stateDirectory + "/journal" }

    private func journal(_ limits: ChangeJournal.Limits = .init(), key: String? = nil) -> ChangeJournal {
        var environment = home.environment
        environment["MM_TOKEN_KEY_FILE"] = key
        let paths = StatePaths(environment: environment)
        return ChangeJournal(
            paths: paths, seal: TokenSeal(paths: paths, environment: environment), limits: limits)
    }

    private func entry(_ city: String) throws -> JournalEntry {
        let target = try RequestTarget(parsing: "/v1.0/users/x", service: .graph)
        let request = try GraphRequest(method: "PATCH", target: target, json: ["city": .string(city)])
        let change = try #require(Change(request, isAction: nil))
        return JournalEntry(
            connection: "Demo", call: "c", session: nil, client: "test", request: "PATCH /v1.0/users/x",
            change: change.knowing(["id": "1", "city": "before"]))
    }

    @Test("says of a write without an end that nobody knows whether it was sent")
    func unknown() async throws {
        let journal = journal()
        let (first, second) = (try entry("a"), try entry("b"))
        try await journal.begin(first)
        try await journal.begin(second)
        try await journal.end(second, .done)
        let read = try await journal.entries()
        #expect(read.map(\.outcome) == [.unknown, .done])
        #expect(read[0].change == first.change)
        var status = stat()
        #expect(lstat(folder + "/1.jsonl", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test("reads only what was recorded behind a position, in later files too", arguments: [0, 1, 3])
    func positions(earlier: Int) async throws {
        var limits = ChangeJournal.Limits()
        limits.file = 200
        let journal = journal(limits)
        for _ in 0..<earlier { try await journal.begin(try entry("a")) }
        let position = try await journal.position()
        #expect(try await journal.entries(behind: position).isEmpty)
        let later = try (0..<5).map { try entry("\($0)") }
        for entry in later {
            try await journal.begin(entry)
            try await journal.end(entry, .refused)
        }
        #expect(access(folder + "/3.jsonl", F_OK) == 0)
        let read = try await journal.entries(behind: position)
        #expect(read.map(\.id) == later.map(\.id) && read.allSatisfy { $0.outcome == .refused })
        #expect(try await journal.entries().count == earlier + 5)
    }

    @Test("keeps where and by whom a write was made, and the calls that it is a part of")
    func places() async throws {
        let journal = journal()
        let author = JournalEntry.Author(tenant: "T-1", account: "A-1")
        let partner = JournalEntry.Partner(name: "Partner", author: .init(tenant: "T-2", account: "A-1", app: "App"))
        let made = JournalEntry(
            connection: "Partner:Fabrikam", author: author, partner: partner, call: "step", within: ["set", "recipe"],
            session: nil, client: "test", request: "PATCH /v1.0/users/x", change: try entry("a").change)
        try await journal.begin(made)
        let read = try #require(try await journal.entries().first)
        #expect(read.id == made.id && read.author == author && read.partner == partner)
        #expect(["step", "set", "recipe"].allSatisfy { read.isOf(call: $0) } && !read.isOf(call: "other"))
        #expect(read.wholeCall == "set")
        // Ids are ids in any case; of an app without a token its own id alone is known.
        #expect(author.isSame(as: .init(tenant: "t-1", account: "a-1")))
        #expect(!author.isSame(as: .init(tenant: "t-1", account: "a-2")))
        #expect(!author.isSame(as: .init(tenant: "t-2", account: "a-1")))
        #expect(partner.author.isSame(as: .init(tenant: "t-2", account: "", app: "app")))
        #expect(!author.isSame(as: .init(tenant: "t-1", account: "")))
    }

    @Test("lets one at a time take changes back, and tells the others who is at it")
    func claims() async throws {
        let journal = journal()
        let first = try await journal.claim(["chg_a", "chg_b"], until: .after(.seconds(300)))
        let error = await #expect(throws: MMError.self) {
            _ = try await journal.claim(["chg_b"], until: .after(.milliseconds(20)))
        }
        #expect(error?.code == .conflict && error?.message.contains("being undone") == true, "\(error as Any)")
        async let second = journal.claim(["chg_b", "chg_a"], until: .after(.seconds(300)))
        first.end()
        try await second.end()
    }

    @Test("loses nothing but a line that was cut off")
    func torn() async throws {
        let journal = journal()
        let (first, second) = (try entry("a"), try entry("b"))
        try await journal.begin(first)
        let path = folder + "/1.jsonl"
        let whole = try #require(try ProtectedFile.read(path))
        try ProtectedFile.replace(path, with: whole + Array(#"{"id":"chg_cut","time":"20"#.utf8))
        try await journal.begin(second)
        try await journal.end(first, .done)
        let read = try await journal.entries()
        #expect(read.map(\.id) == [first.id, second.id])
        #expect(read.map(\.outcome) == [.done, .unknown])
        #expect(try await journal.contents().damage == nil)
    }

    @Test("believes no line in which a disk has changed a letter, and reads those of versions that wrote no sums")
    func damaged() async throws {
        let journal = journal()
        let (first, second) = (try entry("Rome"), try entry("Oslo"))
        try await journal.begin(first)
        try await journal.begin(second)
        let path = folder + "/1.jsonl"
        var bytes = try #require(try ProtectedFile.read(path))
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("Rome".utf8)) })
        bytes[place] ^= 1
        bytes += [0x0A] + JSONWriter.bytes(.object(first.begun))
        try ProtectedFile.replace(path, with: bytes)
        let read = try await journal.contents()
        #expect(read.entries.map(\.id) == [second.id, first.id] && read.damaged == 1)
        var report = DoctorReport()
        await JournalChecks(of: journal).examine(into: &report)
        #expect(report.rows.map(\.state) == [.advice] && report.rows[0].detail == read.damage)
    }

    @Test("is encrypted where token caches are, and needs the key then")
    func sealed() async throws {
        let key = home.path + "/key"
        try ProtectedFile.replace(key, with: Array("0123456789abcdef0123456789abcdef0123".utf8))
        try await journal(key: key).begin(try entry("Timbuktu"))
        let bytes = try #require(try ProtectedFile.read(folder + "/1.jsonl"))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("Timbuktu"))
        let read = try await journal(key: key).entries()
        #expect(read.count == 1 && read[0].change.after?["city"] == "Timbuktu")
        let error = await #expect(throws: MMError.self) { try await journal().entries() }
        #expect(error?.hint?.contains("MM_TOKEN_KEY_FILE") == true)
    }

    @Test("keeps the newest files, and an end finds its beginning in an older one")
    func bounded() async throws {
        var limits = ChangeJournal.Limits()
        (limits.file, limits.count) = (1, 3)
        let journal = journal(limits)
        var entries: [JournalEntry] = []
        for city in ["a", "b", "c", "d", "e"] {
            let entry = try entry(city)
            try await journal.begin(entry)
            entries.append(entry)
        }
        try await journal.end(entries[4], .done)
        let read = try await journal.entries()
        #expect(read.map(\.id) == [entries[3].id, entries[4].id])
        #expect(read[1].outcome == .done)
        #expect(try FolderListing.names(in: folder).count { $0.hasSuffix(".jsonl") } == 3)
    }

    @Test("removes a file that was too old at the last write, and none because the clock has jumped ahead")
    func aged() async throws {
        var limits = ChangeJournal.Limits()
        let (first, second, third) = (try entry("a"), try entry("b"), try entry("c"))
        try await journal(limits).begin(first)
        // The clock is now as far ahead of the last write as if that had been long ago.
        var times = [timeval(), timeval()]
        for place in times.indices { times[place].tv_sec = time(nil) - 100 * 86_400 }
        #expect(utimes(folder + "/1.jsonl", times) == 0)
        try await journal(limits).begin(second)
        #expect(try await journal().entries().map(\.id) == [first.id, second.id])
        limits.file = 1
        try await journal(limits).begin(third)
        #expect(try await journal().entries().map(\.id) == [second.id, third.id])
    }

    @Test("refuses a state that is too large to keep")
    func tooLarge() async throws {
        var limits = ChangeJournal.Limits()
        limits.line = 100
        let error = await #expect(throws: MMError.self) { try await journal(limits).begin(try entry("a")) }
        #expect(error?.code == .limitExceeded)
    }
}
