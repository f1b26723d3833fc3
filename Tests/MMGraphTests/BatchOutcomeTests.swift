import MMCore
import MMHTTP
import Testing

@testable import MMGraph

@Suite("The outcome of a batch", .timeLimit(.minutes(5)))
struct BatchOutcomeTests {
    private static func item(_ id: String, _ status: Int, _ retryAfter: String? = nil) -> JSONValue {
        var item: JSONObject = ["id": .string(id), "status": .int(Int64(status))]
        if let retryAfter { item["headers"] = ["Retry-After": .string(retryAfter)] }
        return .object(item)
    }

    private func outcome(_ items: [JSONValue], endpoint: String = "/$batch") async throws
        -> (outcome: BatchOutcome?, contoso: Contoso)
    {
        let contoso = try Contoso(FakeNetwork(.json(JSONWriter.string(["responses": .array(items)])), .json("{}")))
        let client = try contoso.client()
        let request = try GraphRequest(method: "POST", target: try client.target(endpoint), json: ["requests": []])
        return (BatchOutcome(try await client.send(request), to: request, now: .now), contoso)
    }

    @Test(
        "throttled and failed requests are named with the remedy; the caller's own mistakes aren't",
        arguments: [
            ([item("1", 200), item("2", 404)], nil), ([item("1", 200), item("2", 424)], nil), ([], nil),
            ([item("1", 200), item("2", 429, "7")], "1 of 2 requests of the batch were not carried out: 2 (429)."),
            ([item("a", 503), item("b", 424)], "2 of 2 requests of the batch were not carried out: a (503), b (424)."),
        ] as [([JSONValue], String?)])
    func advice(items: [JSONValue], expected: String?) async throws {
        let advice = try await outcome(items).outcome?.advice
        if let expected {
            #expect(advice?.hasPrefix(expected) == true, "\(advice ?? "")")
        } else {
            #expect(advice == nil)
        }
    }

    @Test("only writes that may have run are to be checked")
    func unsure() async throws {
        #expect(try await outcome([Self.item("1", 429, "7")]).outcome?.advice?.contains("check first") == false)
        #expect(try await outcome([Self.item("1", 502)]).outcome?.advice?.contains("check first") == true)
    }

    @Test("a throttled part of a batch delays the next batch")
    func holdsBack() async throws {
        let (outcome, contoso) = try await outcome([Self.item("1", 200), Self.item("2", 429, "30")])
        #expect(outcome?.throttledFor == .seconds(30))
        let client = try contoso.client()
        _ = try await client.send(GraphRequest(target: client.target("/me")))
        #expect(contoso.waits.all.reduce(.zero, +) >= .seconds(30))
    }

    @Test("other requests have no such outcome", arguments: ["/me/sendMail", "/me/messages"])
    func others(endpoint: String) async throws {
        #expect(try await outcome([Self.item("1", 429)], endpoint: endpoint).outcome == nil)
    }
}
