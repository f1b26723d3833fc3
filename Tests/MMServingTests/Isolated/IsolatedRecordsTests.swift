import MMCore
import MMGuard
import MMHTTP
import MMOperations
import TestSupport
import Testing

@testable import MMServing

@Suite("The records of isolated pools", .timeLimit(.minutes(5)))
struct IsolatedRecordsTests {
    /// Places in which no pool runs.
    private struct NoSites: PoolSites {
        let wall = "none"

        func site(of connection: String, registry: JSONObject, among names: [String]) throws(MMError) -> any PoolSite {
            throw MMError(.unavailable, "No pool runs.")
        }
    }

    private static let names: [String] = Catalogue.standard.operations.map(\.declaration).filter {
        switch $0.keeper {
        case .records, .log: true
        default: false
        }
    }.map(\.name)

    @Test("are listed by every operation that lists them, also where no pool has any", arguments: names)
    func lists(name: String) async throws {
        let home = try TestHome()
        let services = OperationServices(environment: home.environment)
        let router = IsolatedRouter(
            registry: services.registry, sites: NoSites(), log: .off, commandLimit: .seconds(60))
        let service = IsolatedOperationService(router: router, services: services)
        let context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        let answer = try await service.call(name, name == "history" ? ["object": "x"] : [:], in: context)
        guard case .value(.array) = answer.body else {
            Issue.record("\(answer.body)")
            return
        }
        await services.close()
    }

    @Test("are those of pools that ran: what is allowed on a connection before is none")
    func allowed() async throws {
        let home = try TestHome()
        let services = OperationServices(environment: home.environment)
        let sites = ProcessSites(
            place: IsolatedPlace(services.paths), paths: services.paths, environment: home.environment,
            caps: try IsolatedCaps(environment: [:]), kind: .landlock, log: .off,
            transport: HTTPClient(configuration: HTTPClientConfiguration(environment: [:])))
        try ProtectedFile.makeDirectory(services.paths.isolatedDirectory)
        _ = try await HeldRequests(services.ledger, paths: services.paths).allow(
            [.send], on: try Connection(name: "Contoso", entry: ["tenant": "contoso.com", "cloud": "sandbox"]),
            for: .seconds(600), by: Approver(person: "Ann", means: "terminal"), check: .terminal)
        #expect(FileStamp.mayExist(sites.place.home("Contoso")))
        #expect(!sites.hasRecords("Contoso"))
        try ProtectedFile.replace(sites.place.registry("Contoso"), with: Array("{}".utf8))
        #expect(sites.hasRecords("Contoso"))
        await services.close()
    }

    @Test(
        "keep what each list says, and that nothing was found only if all are empty",
        arguments: [
            (rows: [[], [1]], notes: [["Nothing."], []], expected: []),
            (rows: [[], []], notes: [["Nothing."], ["Nothing."]], expected: ["Nothing."]),
            (rows: [[], [1]], notes: [["Nothing."], ["2 damaged lines."]], expected: ["A: 2 damaged lines."]),
            (
                rows: [[], [], [1]], notes: [["Nothing."], ["Nothing.", "3 damaged lines."], []],
                expected: ["A: 3 damaged lines."]
            ),
            (
                rows: [[], []], notes: [["Nothing."], ["Nothing.", "3 damaged lines."]],
                expected: ["Nothing.", "A: 3 damaged lines."]
            ),
            (
                rows: [[1], [], [2]], notes: [["1 damaged line."], ["Nothing."], ["1 damaged line."]],
                expected: ["1 damaged line.", "B: 1 damaged line."]
            ),
        ] as [(rows: [[JSONValue]], notes: [[String]], expected: [String])])
    func notes(rows: [[JSONValue]], notes: [[String]], expected: [String]) throws {
        let answers = zip(rows, notes).map { OperationAnswer.value(.array($0), notes: $1) }
        let own = try #require(answers.first)
        let parts: [IsolatedRecords.Part] = zip(["A", "B"], answers.dropFirst()).map { ($0, .success($1)) }
        let whole = IsolatedRecords.joined(own, parts, most: nil, isNewestLast: false)
        #expect(whole.notes == expected)
        guard case .value(let value) = whole.body else {
            Issue.record("\(whole.body)")
            return
        }
        #expect(value == .array(rows.flatMap(\.self)))
    }

    @Test("are shown in one order, whoever has them, also where their text is no table")
    func order() throws {
        func row(_ second: Int, _ id: String) -> JSONValue {
            ["time": .string("2026-11-30T05:00:0\(second)Z"), "id": .string(id), "lines": [.string("was: \(id)")]]
        }
        let rows = [[row(4, "own4"), row(1, "own1")], [row(5, "a5"), row(2, "a2")]]
        let lists = rows.map { OperationAnswer.value(.array($0)) }
        let text = try #require(Catalogue.standard.operation(named: "history")?.declaration.textOfRows)
        let whole = IsolatedRecords.joined(
            lists[0], [("A", .success(lists[1]))], most: 3, isNewestLast: false, text: text)
        let ids = try #require(whole.text).split(separator: "\n").compactMap { line in
            line.hasPrefix("2026") ? line.split(separator: " ").dropFirst().first.map(String.init) : nil
        }
        #expect(ids == ["a5", "own4", "a2"] && whole.text?.contains("    was: a2") == true, "\(whole.text ?? "")")
        guard case .value(let value) = whole.body else { throw MMError(.internalError, "no rows") }
        #expect(value.array?.compactMap { $0["id"]?.string } == ids)
    }

    @Test(
        "that were undone in two pools are one table, and one text if they are only shown",
        arguments: [([nil, nil], nil), (["one", "two"], "one\ntwo"), ([nil, "two"], "two")]
            as [([String?], String?)])
    func together(texts: [String?], text: String?) {
        let parts = texts.enumerated().map { number, text in
            OperationAnswer(
                .value(.array([["id": .string("\(number)")]])), notes: ["note \(number)"],
                columns: ["id", "change", "result"], text: text)
        }
        let whole = IsolatedRecords.together(parts[0], parts[1])
        #expect(whole.text == text && whole.columns == ["connection", "id", "change", "result"])
        #expect(whole.notes == ["note 0", "note 1"])
        let rows: JSONValue? = if case .value(let value) = whole.body { value } else { nil }
        #expect(rows == [["id": "0"], ["id": "1"]])
    }
}
