import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Batches and delta rounds", .timeLimit(.minutes(5)))
struct BatchAndDeltaTests {
    private func batch(_ bench: Bench, _ token: String, _ requests: JSONValue) async -> HTTPServerResponse {
        await bench.graph("POST", "/v1.0/$batch", token: token, body: ["requests": requests])
    }

    private func answers(_ answer: HTTPServerResponse) -> [String: JSONValue] {
        Dictionary(
            (answer.json["responses"]?.array ?? []).map { ($0["id"]?.string ?? "", $0) },
            uniquingKeysWith: { one, _ in one })
    }

    @Test("each request of a batch has its own answer, and they come in another order")
    func mixed() async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await batch(
            bench, token,
            [
                ["id": "1", "method": "GET", "url": "/me?$select=displayName"],
                ["id": "2", "method": "GET", "url": "/users/nobody@nowhere.example"],
                ["id": "3", "method": "GET", "url": "me/messages?$top=1", "dependsOn": ["2"]],
                [
                    "id": "4", "method": "PATCH", "url": "/me", "headers": ["Content-Type": "application/json"],
                    "body": ["jobTitle": "Boss"],
                ],
                ["id": "5", "method": "GET", "url": "/me?$select=jobTitle", "dependsOn": ["4"]],
            ])
        #expect(answer.status == 200)
        let all = answers(answer)
        #expect(all["1"]?["status"] == 200)
        #expect(all["1"]?["body"]?["displayName"] == "Avery Admin")
        #expect(all["2"]?["status"] == 404)
        #expect(all["3"]?["status"] == 424)
        #expect(all["3"]?["body"]?["error"]?["code"] == "FailedDependency")
        #expect(all["4"]?["status"] == 204)
        #expect(all["4"]?["body"] == nil)
        #expect(all["5"]?["body"]?["jobTitle"] == "Boss")
        #expect(answer.json["responses"]?.array?.map { $0["id"] } != ["1", "2", "3", "4", "5"])
    }

    @Test("a throttled request of a batch carries its own Retry-After")
    func throttled() async {
        let bench = Bench()
        let token = await bench.token()
        _ = await bench.control(
            "POST", "faults", ["kind": "throttle", "path": "/v1.0/me/messages", "retryAfter": 7, "count": 1])
        let all = answers(
            await batch(
                bench, token,
                [["id": "a", "method": "GET", "url": "/me"], ["id": "b", "method": "GET", "url": "/me/messages"]]))
        #expect(all["a"]?["status"] == 200)
        #expect(all["b"]?["status"] == 429)
        #expect(all["b"]?["headers"]?["Retry-After"] == "7")
    }

    @Test(
        "batches that can't be are refused",
        arguments: [
            .null, "x", [["id": "1", "method": "GET"]],
            [["id": "1", "method": "GET", "url": "/me"], ["id": "1", "method": "GET", "url": "/me"]],
            [["id": "1", "method": "GET", "url": "/me", "dependsOn": ["9"]]],
            [
                ["id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"]],
                ["id": "2", "method": "GET", "url": "/me", "dependsOn": ["1"]],
            ],
            [["id": "1", "method": "POST", "url": "/me/sendMail", "body": [:]]],
            .array((0..<21).map { ["id": .string("\($0)"), "method": "GET", "url": "/me"] }),
        ] as [JSONValue])
    func refused(requests: JSONValue) async {
        let bench = Bench()
        let token = await bench.token()
        #expect(await batch(bench, token, requests).status == 400)
    }

    @Test("twenty requests are taken, and no batch within a batch")
    func limits() async {
        let bench = Bench()
        let token = await bench.token()
        let twenty: JSONValue = .array(
            (0..<20).map { ["id": .string("\($0)"), "method": "GET", "url": "/me?$select=id"] })
        #expect(answers(await batch(bench, token, twenty)).values.filter { $0["status"] == 200 }.count == 20)
        let nested: JSONValue = [
            [
                "id": "1", "method": "POST", "url": "/%24batch", "headers": ["Content-Type": "application/json"],
                "body": ["requests": []],
            ]
        ]
        #expect(answers(await batch(bench, token, nested))["1"]?["status"] == 400)
    }

    /// Follows a delta round to its end.
    private func round(_ bench: Bench, _ token: String, from start: String) async -> (items: [JSONValue], link: String)
    {
        var items: [JSONValue] = []
        var next = start
        for _ in 0..<200 {
            let page = await bench.graph("GET", next, token: token).json
            items += page["value"]?.array ?? []
            if let link = page["@odata.deltaLink"]?.string {
                return (items, String(link.dropFirst(Bench.base.count)))
            }
            next = String((page["@odata.nextLink"]?.string ?? "").dropFirst(Bench.base.count))
        }
        return (items, "")
    }

    @Test("a delta round gives everything once, then exactly what changed")
    func users() async {
        let bench = Bench()
        let token = await bench.token()
        let first = await round(bench, token, from: "/v1.0/users/delta?$select=displayName")
        #expect(first.items.count == 300)
        #expect(first.items[0].object?.keys == ["id", "displayName"])
        let quiet = await round(bench, token, from: first.link)
        #expect(quiet.items.isEmpty)
        let lena =
            await bench.graph("GET", "/v1.0/users/lena.vogt@contoso-sandbox.example", token: token).json["id"]?.string
            ?? ""
        let ben =
            await bench.graph("GET", "/v1.0/users/ben.baker@contoso-sandbox.example", token: token).json["id"]?.string
            ?? ""
        _ = await bench.graph("PATCH", "/v1.0/users/\(lena)", token: token, body: ["displayName": "Lena Neu"])
        _ = await bench.graph("PATCH", "/v1.0/users/\(lena)", token: token, body: ["displayName": "Lena Alt"])
        _ = await bench.graph("DELETE", "/v1.0/users/\(ben)", token: token)
        let changes = await round(bench, token, from: quiet.link)
        #expect(changes.items.count == 2)
        #expect(changes.items.first { $0["id"]?.string == lena }?["displayName"] == "Lena Alt")
        #expect(changes.items.first { $0["id"]?.string == ben }?["@removed"]?["reason"] == "changed")
        #expect(await round(bench, token, from: changes.link).items.isEmpty)
        #expect(await round(bench, token, from: quiet.link).items.count == 2, "an older link still answers")
    }

    @Test("a change during the first round is told in the next")
    func changeDuringRound() async {
        let bench = Bench()
        let token = await bench.token()
        let page = await bench.graph(
            "GET", "/v1.0/users/delta?$select=displayName", token: token, headers: ["Prefer": "odata.maxpagesize=50"]
        ).json
        let next = String((page["@odata.nextLink"]?.string ?? "").dropFirst(Bench.base.count))
        _ = await bench.graph("PATCH", "/v1.0/me", token: token, body: ["displayName": "Changed"])
        let rest = await round(bench, token, from: next)
        let later = await round(bench, token, from: rest.link)
        #expect(later.items.map { $0["displayName"] } == ["Changed"])
    }

    @Test("a delta token of another sandbox is too old")
    func resync() async {
        let other = Bench()
        let foreign = await round(other, other.token(), from: "/v1.0/users/delta").link
        let bench = Bench()
        let token = await bench.token()
        for target in [foreign, "/v1.0/users/delta?$deltatoken=nonsense"] {
            let answer = await bench.graph("GET", target, token: token)
            #expect(answer.status == 410)
            #expect(answer.headers["Location"] == "http://127.0.0.1:4711/v1.0/users/delta")
        }
        let latest = await bench.graph("GET", "/v1.0/users/delta?$deltatoken=latest", token: token).json
        #expect(latest["value"] == [])
        #expect(latest["@odata.deltaLink"]?.string != nil)
    }

    @Test("drives have delta rounds with their own parameter")
    func files() async {
        let bench = Bench()
        let token = await bench.token()
        let first = await round(bench, token, from: "/v1.0/me/drive/root/delta")
        #expect(first.items.count == 29)
        #expect(first.link.contains("/delta?token="))
        _ = await bench.tenant.answer(
            HTTPServerRequest(
                "PUT", "/v1.0/me/drive/root:/x.txt:/content", headers: ["Authorization": "Bearer \(token)"], body: [1]))
        #expect(await round(bench, token, from: first.link).items.map { $0["name"] } == ["x.txt"])
    }

    @Test("mail folders have delta rounds of their own messages")
    func mail() async {
        let bench = Bench()
        let token = await bench.token()
        let first = await round(bench, token, from: "/v1.0/me/mailFolders/inbox/messages/delta?$select=subject")
        let inbox = await bench.graph("GET", "/v1.0/me/mailFolders/inbox", token: token).json["totalItemCount"]?.int
        #expect(first.items.count == inbox)
    }
}
