import MMCore
import TestSupport
import Testing

@testable import MMGuard

/// Every cmdlet that is a request, by its line and by its request.
@Suite("An act by its two roads", .timeLimit(.minutes(5)))
struct RoadTests {
    private static let engine = GuardEngine()
    private static let parts = 8

    /// A difference that is meant: the verdict of a line and that of its request, for the names that fit a pattern.
    private struct Meant {
        let pattern: [Substring]
        let line: String
        let request: String

        static func load() throws -> [Meant] {
            try Fixture.lines("guard/roads.txt").map { line in
                let words = line.split(separator: " ")
                try #require(words.count == 3, "\(line)")
                return Meant(
                    pattern: words[0].split(separator: "*", omittingEmptySubsequences: false),
                    line: String(words[1]), request: String(words[2]))
            }
        }

        func covers(_ name: String, _ line: String, _ request: String) -> Bool {
            guard line == self.line, request == self.request, let first = pattern.first, let last = pattern.last else {
                return false
            }
            if pattern.count == 1 { return name == first }
            return name.hasPrefix(first) && name.hasSuffix(last) && name.count >= first.count + last.count
        }
    }

    private static func isMeant(_ name: String, _ line: String, _ request: String, _ rows: [Meant]) -> Bool {
        rows.contains { $0.covers(name, line, request) }
    }

    private static func word(_ verdict: Verdict) -> String {
        "\(verdict.decision.rawValue)/\(verdict.guardClass.rawValue)"
    }

    private static func byLine(_ script: String, _ module: String) -> String {
        word(engine.judge(script: script, in: ScriptContext(module: module), policy: .standard))
    }

    private static func byRequest(_ request: GuardedRequest) -> String {
        word(engine.judge(request, policy: .standard))
    }

    @Test(
        "a line of a cmdlet of Graph has the class and the decision of the request that it sends", arguments: 0..<parts)
    func graph(part: Int) throws {
        let (table, names, meant) = (CmdletTable(), GraphCmdletNames(), try Meant.load())
        var compared = 0
        var differences: [String] = []
        for row in 0..<table.count where Int(row) % Self.parts == part && table.entry(row).product == .graph {
            let name = table.entry(row).name
            // A name may tell several requests, for an object alone or within another.
            let requests = try names.requests(of: name).map { request in
                let path = request.path.replacing("{", with: "").replacing("}", with: "")
                return GuardedRequest(
                    method: request.method, target: try RequestTarget(parsing: path, service: .graph),
                    body: request.method == "GET" || request.method == "DELETE" ? .none : .json([:]))
            }
            guard !requests.isEmpty else { continue }
            let (line, others) = (Self.byLine(name, "graph"), requests.map(Self.byRequest))
            compared += 1
            if others.contains(where: { $0 == line || Self.isMeant(name, line, $0, meant) }) { continue }
            differences.append("\(name) \(line) \(others.joined(separator: " "))")
        }
        #expect(compared > 500)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("a line of a cmdlet of Exchange has the class and the decision of the call that it sends")
    func exchange() throws {
        let table = CmdletTable()
        var compared = 0
        var differences: [String] = []
        for row in 0..<table.count where table.entry(row).product == .exchange {
            let entry = table.entry(row)
            let host = entry.services == 2 ? "compliance" : "exo"
            let target = try RequestTarget(parsing: "/adminapi/beta/t/InvokeCommand", service: .exchange)
            var calls: [(line: String, parameters: JSONObject)] = [(entry.name, [:])]
            for raise in table.raises(of: entry) {
                calls += [
                    ("\(entry.name) -\(raise.parameter):$true", [raise.parameter: true]),
                    ("\(entry.name) -\(raise.parameter):$false", [raise.parameter: false]),
                    ("\(entry.name) -\(raise.parameter) 'x'", [raise.parameter: "x"]),
                ]
            }
            for (script, parameters) in calls {
                let body: JSONValue = [
                    "CmdletInput": ["CmdletName": .string(entry.name), "Parameters": .object(parameters)]
                ]
                let (line, other) = (
                    Self.byLine(script, host),
                    Self.byRequest(GuardedRequest(method: "POST", target: target, body: .json(body)))
                )
                compared += 1
                if line != other { differences.append("\(script) \(line) \(other)") }
            }
        }
        #expect(compared > 1_500)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
