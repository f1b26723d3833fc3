import MMCore
import MMDesk
import MMGraph
import MMGuard
import Testing

@testable import MMOperations

@Suite("The question about several connections", .timeLimit(.minutes(5)))
struct JointClearanceTests {
    @Test(
        "says how many they are, and what it is about where one is left of them",
        arguments: [(1, "It is the rest of a change"), (2, "in 2 connections"), (3, "in 3 connections")])
    func reason(count: Int, reason: String) throws {
        let request = try GraphRequest(
            method: "PATCH", target: RequestTarget(parsing: "/v1.0/users/u", service: .graph), json: ["city": "Rome"])
        let verdict = GuardEngine.standard.judge(request.guarded, policy: .standard)
        let all = (1...count).map { number in
            (
                member: SetFolder.Member(name: "T\(number)", tenant: "t"),
                request: ConfirmationRequest(
                    connection: "T\(number)", module: "graph-api", title: "a", text: "PATCH /v1.0/users/u",
                    verdict: verdict)
            )
        }
        let question = try #require(JointClearance.question(about: all))
        #expect(question.verdict.decision == .ask && question.verdict.reason.contains(reason))
    }
}
