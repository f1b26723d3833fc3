import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Random histories", .timeLimit(.minutes(15)))
struct RandomHistoryTests {
    /// How many steps of each seed: few in the usual run, as many as one wants by MM_RANDOM_STEPS.
    private static let count = getenv("MM_RANDOM_STEPS").flatMap { Int(String(cString: $0)) } ?? 60

    @Test(
        "of writes, renames, undos side by side, lost answers and kills end as a straight reading says, in each account",
        arguments: [31 as UInt64, 32])
    func straight(seed: UInt64) async throws {
        var history = try await RandomHistory(seed: seed)
        for _ in 0..<Self.count { try await history.step() }
        let home = history.home
        for (connection, account) in history.accounts {
            let found = try await history.rules(of: connection)
            #expect(found == history.expected[account, default: []].sorted(), "\(connection) as \(account)")
        }
        // Every write that the tenant got is in the journal, with the account that made it.
        // What was noted without one was refused for want of a sign-in: its connection was renamed meanwhile.
        let entries = try await home.journal.entries().filter { $0.outcome != .refused || $0.author != nil }
        #expect(entries.count == (try await history.received()))
        #expect(entries.allSatisfy { $0.author != nil })
        // And its call is in the audit log, with how it ended.
        let audited = try home.service.services.audit.entries(limit: 100_000) { $0["outcome"] != "begun" }
        let calls = Set(audited.compactMap { $0["call"]?.string })
        #expect(entries.allSatisfy { calls.contains($0.call) })
        #expect(history.undone >= Self.count / 10, "\(history.undone)")
        if Self.count > 60 {
            print("seed \(seed): \(entries.count) writes, \(history.undone) undone, \(history.lost) lost")
        }
        await home.stop()
    }
}

/// Random steps in the mailboxes of two people, with what a straight reading of them leaves.
struct RandomHistory {
    let home: ChangesHome
    /// What works on the same folders as another process does.
    private let other: LocalOperationService
    private var random: SeededRandom
    private var serial = 0
    /// The accounts by the names of the connections today.
    private(set) var accounts = ["Demo": "admin@contoso-sandbox.example", "Lena": "lena.vogt@contoso-sandbox.example"]
    /// The names of the rules that each account has.
    private(set) var expected: [String: Set<String>] = [:]
    private(set) var undone = 0
    private(set) var lost = 0
    private var seen = 0
    private var lastNumber = 0

    private static let collection = "/me/mailFolders/inbox/messageRules"

    init(seed: UInt64) async throws {
        random = SeededRandom(seed: seed)
        home = try await ChangesHome(users: 12)
        other = home.process()
        try await home.add("Lena", account: "lena.vogt@contoso-sandbox.example")
    }

    mutating func step() async throws {
        switch Int.random(in: 0..<12, using: &random) {
        case 0...3: try await create()
        case 4, 5: try await delete()
        case 6: try await change()
        case 7: try await rename()
        default: try await undo()
        }
        try await look()
    }

    /// How many writes the tenant has got.
    func received() async throws -> Int { seen }

    /// Counts what came in since; the tenant keeps the newest alone.
    private mutating func look() async throws {
        for request in try await home.control("GET", "requests")["requests"]?.array ?? [] {
            guard let number = request["number"]?.int, number > lastNumber else { continue }
            lastNumber = number
            if request["method"] != "GET", request["path"]?.string?.contains("messageRules") == true { seen += 1 }
        }
    }

    /// The names of the random rules that an account has, each as often as it is there.
    func rules(of connection: String) async throws -> [String] {
        try await objects(of: connection).compactMap { $0["displayName"]?.string }.sorted()
    }

    private func objects(of connection: String) async throws(MMError) -> [JSONValue] {
        try await graph(connection, "GET", Self.collection)["value"]?.array?.filter {
            $0["displayName"]?.string?.hasPrefix("random") == true
        } ?? []
    }

    private func graph(
        _ connection: String, _ method: String, _ path: String, _ body: JSONValue? = nil
    ) async throws(MMError) -> JSONValue {
        var arguments: JSONObject = [
            "connection": .string(connection), "endpoint": .string(path), "method": .string(method), "unlisted": true,
        ]
        arguments["body"] = body
        return ChangesHome.value(try await home.call("graph_request", arguments))
    }

    private mutating func connection() -> String { accounts.keys.sorted().randomElement(using: &random) ?? "Demo" }

    /// Makes a write, whose answer may be lost, or whose process may be killed before it has noted the answer, or
    /// before the tenant has done anything.
    /// - Returns: whether the tenant has done it.
    private mutating func write(
        _ connection: String, _ method: String, _ path: String, _ body: JSONValue?
    ) async throws -> Bool {
        let chance = Int.random(in: 0..<6, using: &random)
        if chance == 0 { try await lose(method) }
        if chance == 2 {
            try await home.control(
                "POST", "faults",
                ["kind": "status", "status": 403, "method": .string(method), "path": "*messageRules", "count": 1])
        }
        do throws(MMError) {
            _ = try await graph(connection, method, path, body)
        } catch {
            // The tenant has done it and its answer broke off, or it has done nothing.
            guard chance == 0 || chance == 2 else { throw error }
        }
        try await home.control("DELETE", "faults")
        if chance == 1 || chance == 2 { try forgetEnd() }
        return chance != 2
    }

    private mutating func lose(_ method: String) async throws {
        lost += 1
        try await home.control(
            "POST", "faults", ["kind": "torn", "method": .string(method), "path": "*messageRules", "count": 1])
    }

    private mutating func forgetEnd() throws {
        lost += 1
        try home.forgetEnd()
    }

    private mutating func create() async throws {
        serial += 1
        let (connection, name) = (connection(), "random \(serial)")
        let isDone = try await write(
            connection, "POST", Self.collection,
            [
                "displayName": .string(name), "sequence": 1, "isEnabled": false,
                "conditions": ["subjectContains": [.string("word \(serial)")]], "actions": ["markAsRead": true],
            ])
        if isDone { expected[accounts[connection] ?? "", default: []].insert(name) }
    }

    private mutating func picked(_ connection: String) async throws -> (id: String, name: String)? {
        guard let rule = try await objects(of: connection).randomElement(using: &random) else { return nil }
        return (rule["id"]?.string ?? "", rule["displayName"]?.string ?? "")
    }

    private mutating func delete() async throws {
        let connection = connection()
        guard let rule = try await picked(connection) else { return }
        if try await write(connection, "DELETE", "\(Self.collection)/\(rule.id)", nil) {
            expected[accounts[connection] ?? ""]?.remove(rule.name)
        }
    }

    private mutating func change() async throws {
        let connection = connection()
        guard let rule = try await picked(connection) else { return }
        _ = try await write(connection, "PATCH", "\(Self.collection)/\(rule.id)", ["isEnabled": .bool(serial % 2 == 0)])
    }

    /// Two connections change their names.
    private mutating func rename() async throws {
        try await Self.exchangeNames(home)
        try await signInAnew()
    }

    private static func exchangeNames(_ home: ChangesHome) async throws {
        for (name, other) in [("Demo", "Other"), ("Lena", "Demo"), ("Other", "Lena")] {
            _ = try await home.call("connections_rename", ["connection": .string(name), "to": .string(other)])
        }
    }

    /// Signs in to the connections whose names were exchanged.
    private mutating func signInAnew() async throws {
        accounts = ["Demo": accounts["Lena"] ?? "", "Lena": accounts["Demo"] ?? ""]
        for (name, account) in accounts { try await home.signIn(name, as: account) }
    }

    /// Takes a change back, once or three times at once in two processes, with an answer that may be lost, or with
    /// names that are exchanged meanwhile.
    private mutating func undo() async throws {
        let entries = try await home.journal.entries().filter { $0.change.kind != .properties }
        // Mostly what still stands; without that most steps of a long history would change nothing.
        let there = Set(expected.values.joined())
        let standing = entries.filter { entry in
            let name = entry.change.subject.name ?? entry.change.before?["displayName"]?.string ?? ""
            return entry.outcome == .done && there.contains(name) == (entry.change.kind == .creation)
        }
        let isAny = standing.isEmpty || Int.random(in: 0..<3, using: &random) == 0
        guard let entry = (isAny ? entries : standing).randomElement(using: &random) else { return }
        let chance = Int.random(in: 0..<5, using: &random)
        if chance == 0 { try await lose(entry.change.kind == .creation ? "DELETE" : "POST") }
        let owner = try #require(entry.author).account
        let (home, processes) = (home, [home.service, other])
        let renaming = chance == 4 ? Task { try await Self.exchangeNames(home) } : nil
        let results = await withTaskGroup(of: Result<String, MMError>.self) { group in
            for number in 0..<(chance == 1 ? 3 : 1) {
                group.addTask {
                    await Result { () async throws(MMError) in
                        let answer = try await processes[number % 2].call(
                            "undo", ["id": .string(entry.id)], in: home.context(home.person))
                        return ChangesHome.value(answer)[0]?["result"]?.string ?? ""
                    }
                }
            }
            return await group.reduce(into: [Result<String, MMError>]()) { $0.append($1) }
        }
        if let renaming {
            try await renaming.value
            try await signInAnew()
        }
        let faults = try await home.control("GET", "faults")["faults"]?.array ?? []
        try await home.control("DELETE", "faults")
        // The answer of a write was lost that the tenant had carried out.
        let isLost =
            chance == 0 && faults.isEmpty && results.allSatisfy { if case .failure = $0 { true } else { false } }
        let isUndone = results.contains { if case .success("undone") = $0 { true } else { false } }
        guard isUndone || isLost else { return }
        undone += 1
        #expect(results.count { if case .success("undone") = $0 { true } else { false } } <= 1, "\(results)")
        let name = entry.change.subject.name ?? entry.change.before?["displayName"]?.string ?? ""
        let account = try #require(try await accountName(owner))
        if entry.change.kind == .creation {
            expected[account]?.remove(name)
        } else {
            expected[account, default: []].insert(name)
        }
        if chance == 2 { try forgetEnd() }
    }

    private func accountName(_ id: String) async throws -> String? {
        let user = try await graph("Demo", "GET", "/users/\(id)?$select=userPrincipalName")
        return user["userPrincipalName"]?.string
    }
}
