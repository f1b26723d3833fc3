import MMCore
import MMGraph
import MMGuard
import Testing

@testable import MMOperations

@Suite("The order of a plan's steps", .timeLimit(.minutes(5)))
struct PlanOrderTests {
    private static let (ada, ben) = ("aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002")
    private static let group = "cccccccc-0000-4000-8000-000000000003"

    private static func step(
        _ method: String, _ path: String, _ body: JSONValue? = nil, on connection: String = "Demo"
    ) throws -> PlanStep {
        let target = try RequestTarget(parsing: "/v1.0" + path, service: .graph)
        let request =
            try body.map { try GraphRequest(method: method, target: target, json: $0) }
            ?? GraphRequest(method: method, target: target)
        return PlanStep(
            call: 0, part: nil, connection: connection, module: "graph-api",
            act: .request(
                .init(
                    resource: "graph", method: method, address: "/v1.0" + path, headers: [:], body: request.body,
                    contentType: request.contentType)),
            guardClass: .write, decision: .allow, reason: "", change: Change(request, isAction: nil),
            state: PlanState())
    }

    private static func member(_ id: String) -> JSONValue {
        ["@odata.id": .string("https://graph.microsoft.com/v1.0/directoryObjects/\(id)")]
    }

    @Test("a step comes after those that write, make or delete an object that it involves, and after no others")
    func predecessors() throws {
        let steps = [
            try Self.step("PATCH", "/users/\(Self.ada)", ["city": "Rome"]),
            try Self.step("PATCH", "/users/\(Self.ben)", ["city": "Rome"]),
            try Self.step("PATCH", "/users/\(Self.ada.uppercased())", ["city": "Oslo"]),
            try Self.step("PATCH", "/users/\(Self.ada)", ["city": "Oslo"], on: "Other"),
            try Self.step("POST", "/groups", ["displayName": "Crew"]),
            try Self.step("POST", "/groups", ["displayName": "Staff"]),
            try Self.step("POST", "/groups", ["displayName": "Crew"]),
            try Self.step("DELETE", "/users/\(Self.ada)"),
            try Self.step("POST", "/groups/\(Self.group)/members/$ref", Self.member(Self.ada)),
            try Self.step("POST", "/groups/\(Self.group)/members/$ref", Self.member(Self.ben)),
        ]
        let order = PlanOrder(steps)
        let found = steps.indices.map(order.predecessors)
        #expect(found == [[], [], [0], [], [], [], [4], [0, 2], [7], [8]])
    }

    @Test("thousands of steps are put in order at once")
    func many() throws {
        let steps = try (0..<10_000).map { try Self.step("PATCH", "/users/u\($0 % 5000)", ["city": "Rome"]) }
        let order = PlanOrder(steps)
        #expect(steps.indices.allSatisfy { order.predecessors(of: $0) == ($0 < 5000 ? [] : [$0 - 5000]) })
    }
}
