import MMCore
import TestSupport
import Testing

@testable import MMGuard

@Suite("Calls of services beside Graph found by words", .timeLimit(.minutes(5)))
struct ServiceSearchTests {
    @Test(
        "what people call it finds the call",
        arguments: [
            ("list flows", RequestService.flow, "/v2/flows"),
            ("which flow runs failed last night", .flow, "status%20eq%20'Failed'"),
            ("power automate", .flow, "/v2/flows"), ("turn off a flow", .flow, "/stop"),
            ("azure virtual machines", .arm, "/virtualMachines?"), ("restart a VM", .arm, "/restart?"),
            ("azure subscriptions", .arm, "/subscriptions?"), ("key vaults", .arm, "/vaults?"),
            ("azure costs this month", .arm, "/query?"),
            ("query log analytics", .arm, "/workspaces/{workspace}/query?"),
            ("kql", .arm, "/workspaces/{workspace}/query?"), ("log analytics workspaces", .arm, "/workspaces?"),
            ("Power Platform environments", .bap, "/environments"),
            ("power apps", .powerApps, "/apps"), ("sharepoint site permissions", .sharePoint, "/roleassignments"),
        ])
    func questions(question: String, service: RequestService, part: String) throws {
        let found = try #require(ServiceSearch().find(question, limit: 1).first)
        #expect(found.call.service == service)
        #expect(found.call.path.contains(part), "\(found.call.path)")
    }

    @Test("each call is an address of its service that the guard can judge, and has a name")
    func calls() throws {
        #expect(ServiceCallTable.calls.count > 45)
        for call in ServiceCallTable.calls {
            let target = try RequestTarget(parsing: call.path, service: call.service, normalization: .clean)
            let request = GuardedRequest(method: call.method, target: target)
            let isRead = GuardEngine.standard.classify(request).classes.strictest == .read
            #expect(isRead || call.method != "GET", "\(call.path)")
            #expect(call.service != .arm || call.path.contains("?api-version=20"), "\(call.path)")
            #expect(!call.phrases.isEmpty && call.phrases.allSatisfy { !$0.isEmpty })
            if !call.body.isEmpty { _ = try JSONParser.parse(call.body) }
        }
        #expect(Set(ServiceCallTable.calls.map { "\($0.method) \($0.path)" }).count == ServiceCallTable.calls.count)
    }

    @Test("questions about Graph are left to Graph")
    func graph() throws {
        var taken: [String] = []
        for line in try Fixture.lines("endpoints/questions.txt") {
            let question = String(try #require(line.split(separator: "|").first))
            guard let other = ServiceSearch().find(question, limit: 1).first else { continue }
            let own = EndpointSearch().find(question, limit: 1).first
            if other.score >= own?.score ?? 0 {
                taken.append("\(question): \(other.call.path) \(other.score) \(own?.score ?? 0)")
            }
        }
        #expect(taken.isEmpty, "\(taken)")
    }

    @Test("names stand in the table as the words of a question are compared")
    func stems() {
        for word in Set(ServiceCallTable.calls.flatMap { $0.phrases.joined() }) {
            // Of “database” the table has what is left without its end.
            let asWords = [word, word + "e"].map(ServiceCallTable.stems)
            #expect(asWords.contains([word]), "\(word): \(asWords)")
        }
    }

    @Test("a method counts as its verb", arguments: ["DELETE", "delete"])
    func method(written: String) throws {
        let found = try #require(ServiceSearch().find("flows", limit: 1, method: written).first)
        #expect(found.call.method == "DELETE" && found.call.path.hasSuffix("/flows/{flow}"))
        let own = EndpointSearch().find("flows", limit: 1, method: written).first
        #expect(found.score > own?.score ?? 0)
        #expect(ServiceSearch().find("users", limit: 1, method: written).isEmpty)
    }

    @Test("with a service named, all its calls are found, those with the question's words first")
    func named() {
        let found = ServiceSearch().find("locks", limit: 100, among: [.arm])
        #expect(found.first?.call.path.contains("locks") == true)
        #expect(found.count > 20 && found.allSatisfy { $0.call.service == .arm })
    }
}
