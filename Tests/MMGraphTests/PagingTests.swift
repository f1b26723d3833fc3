import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMGraph

@Suite("Paging", .timeLimit(.minutes(5)))
struct PagingTests {
    private func pages(
        _ network: FakeNetwork, endpoint: String = "/users?$top=3", limits: PageLimits = PageLimits(),
        headers: [String: String] = [:], service: RequestService = .graph
    ) async throws -> (pages: [GraphPage], error: MMError?, contoso: Contoso) {
        let contoso = try Contoso(network)
        let client = try contoso.client(service)
        let request = try GraphRequest(target: try client.target(endpoint), headers: headers)
        var found: [GraphPage] = []
        do throws(MMError) {
            for try await page in client.pages(request, limits: limits) { found.append(page) }
        } catch {
            return (found, error, contoso)
        }
        return (found, nil, contoso)
    }

    private func recordedUsers() throws -> FakeNetwork {
        let answers = try (1...3).map { HTTPResponse.recorded(try Fixture.json("graph/graph-users-page\($0).json")) }
        return FakeNetwork { _, number in answers[min(number, 2)] }
    }

    @Test("all pages are read, items as the received bytes, next links unchanged and with the same headers")
    func all() async throws {
        let (pages, error, contoso) = try await pages(
            try recordedUsers(), headers: ["ConsistencyLevel": "eventual", "Prefer": "odata.maxpagesize=3"])
        #expect(error == nil && pages.count == 3)
        let expected = try (1...3).flatMap { number -> [JSONValue] in
            try #require(try Fixture.json("graph/graph-users-page\(number).json")["response"]?["body"]?["value"]?.array)
        }
        #expect(try pages.flatMap(\.items).map { try JSONParser.parse($0) } == expected)
        let urls = contoso.network.requests.map(\.url)
        #expect(urls[1] == pages[0].nextLink && urls[2] == pages[1].nextLink)
        #expect(contoso.network.requests.allSatisfy { $0.headers["ConsistencyLevel"] == "eventual" })
        #expect(contoso.network.requests.allSatisfy { $0.headers["Prefer"] == "odata.maxpagesize=3" })
        #expect(pages[2].nextLink == nil)
    }

    @Test("a caller who takes long over the items isn't cut off, unless it names a deadline")
    func slowly() throws {
        let client = try Contoso(try recordedUsers()).client(.graph)
        let request = try GraphRequest(target: try client.target("/users/delta"))
        #expect(client.pages(request).deadline == .never)
        #expect(client.pages(request, from: "https://graph.microsoft.com/v1.0/users/delta").deadline == .never)
        #expect(try client.pages("/users").pages.get().deadline == .never)
        let limited = Deadline.after(.seconds(60))
        #expect(try client.pages("/users", deadline: limited).pages.get().deadline == limited)
    }

    @Test("reading stops at the requested number of items, without further requests", arguments: [1, 3, 4, 6, 7, 100])
    func top(wanted: Int) async throws {
        let (pages, _, contoso) = try await pages(try recordedUsers(), limits: PageLimits(items: wanted))
        let all = try (1...3).reduce(0) { sum, number in
            sum
                + (try Fixture.json("graph/graph-users-page\(number).json")["response"]?["body"]?["value"]?.array?.count
                    ?? 0)
        }
        #expect(pages.flatMap(\.items).count == min(wanted, all))
        #expect(contoso.network.requests.count == pages.count)
        #expect(pages.dropLast().flatMap(\.items).count < wanted, "a page too many")
    }

    @Test("a usage report is one page of rows, and is never asked for a part", arguments: [nil, 1, 2, 9])
    func report(wanted: Int?) async throws {
        let text = "\u{FEFF}Name,Size\r\nÄnne,\"1,5\"\r\nBen,2\r\n"
        let network = FakeNetwork(
            HTTPResponse(status: 200, headers: ["Content-Type": "application/octet-stream"], body: Array(text.utf8)))
        let (pages, error, contoso) = try await pages(
            network, endpoint: "/reports/getMailboxUsageDetail(period='D7')", limits: PageLimits(items: wanted))
        #expect(error == nil && pages.count == 1 && pages.first?.isCollection == true)
        let rows: [JSONValue] = [["Name": "Änne", "Size": "1,5"], ["Name": "Ben", "Size": "2"]]
        #expect(try pages.flatMap(\.items).map { try JSONParser.parse($0) } == Array(rows.prefix(wanted ?? 9)))
        #expect(contoso.network.requests.map { $0.url.contains("top=") } == [false])
    }

    @Test("text that isn't JSON is an error everywhere but in a report")
    func noReport() async throws {
        let network = FakeNetwork(HTTPResponse(status: 200, headers: [:], body: Array("Name,Size\na,1\n".utf8)))
        let (found, error, _) = try await pages(network, endpoint: "/users")
        #expect(found.isEmpty && error?.code == .remoteFailed)
    }

    @Test("reading stops at the requested number of pages", arguments: [1, 2, 3, 4])
    func mostPages(most: Int) async throws {
        let (pages, error, contoso) = try await pages(try recordedUsers(), limits: PageLimits(pages: most))
        #expect(error == nil && pages.count == min(most, 3))
        #expect(contoso.network.requests.count == pages.count)
    }

    @Test("Flow's next links go to regional hosts with a port, and only there")
    func flow() async throws {
        let list = try Fixture.json("graph/flow-list.json")
        let first = HTTPResponse.recorded(list.array?[0] ?? list)
        let (pages, error, contoso) = try await pages(
            FakeNetwork(first, .json(#"{"value": []}"#)),
            endpoint: "/providers/Microsoft.ProcessSimple/environments/x/flows", service: .flow)
        #expect(error == nil && pages.count == 2)
        #expect(contoso.network.requests[1].url.contains(":443/"))
    }

    @Test(
        "a next link to another host isn't followed, and no token goes there",
        arguments: [
            "https://evil.example/v1.0/users?$skiptoken=2", "http://graph.microsoft.com/v1.0/users?$skiptoken=2",
            "https://graph.microsoft.com.evil.example/", "https://graph.microsoft.com@evil.example/",
            "/users?$skiptoken=2",
            "https://graph.microsoft.com:8443/v1.0/users", "https://api.flow.microsoft.com/", "javascript:x",
        ])
    func foreignLink(link: String) async throws {
        let body = JSONWriter.string(["value": [["id": 1]], "@odata.nextLink": .string(link)])
        let (pages, error, contoso) = try await pages(FakeNetwork(.json(body)))
        #expect(pages.flatMap(\.items).count == 1 && error?.code == .denied)
        #expect(contoso.network.requests.count == 1)
    }

    @Test("a link to later changes on another host is an error after the page, and isn't followed")
    func foreignDeltaLink() async throws {
        let link = "https://evil.example/v1.0/users/delta?$deltatoken=2"
        let body = JSONWriter.string(["value": [["id": 1]], "@odata.deltaLink": .string(link)])
        let (pages, error, contoso) = try await pages(FakeNetwork(.json(body)), endpoint: "/users/delta")
        #expect(pages.count == 1 && error?.code == .denied)
        let client = try contoso.client()
        let later = client.pages(try GraphRequest(target: client.target("/users/delta")), from: link)
        let refusal = await #expect(throws: MMError.self) { for try await _ in later {} }
        #expect(refusal?.code == .denied && contoso.network.requests.count == 1)
    }

    @Test("a repeated next link ends the paging")
    func circle() async throws {
        let link = "https://graph.microsoft.com/v1.0/users?$skiptoken=2"
        let body = JSONWriter.string(["value": [["id": 1]], "@odata.nextLink": .string(link)])
        let (pages, error, contoso) = try await pages(FakeNetwork(.json(body)))
        #expect(pages.count == 1 && error?.code == .remoteFailed)
        #expect(contoso.network.requests.count == 2)
    }

    @Test("an error in the middle says how many items were read, and names the next link for continuing")
    func failsMidway() async throws {
        let answers = try (1...3).map { HTTPResponse.recorded(try Fixture.json("graph/graph-users-page\($0).json")) }
        let network = FakeNetwork { _, number in number < 2 ? answers[number] : HTTPResponse(status: 404) }
        let (pages, failure, contoso) = try await pages(network)
        let error = try #require(failure)
        let link = try #require(pages.last?.nextLink)
        #expect(error.code == .notFound && pages.count == 2)
        #expect(error.details["items"]?.int == pages.flatMap(\.items).count)
        #expect(error.details["nextLink"]?.string == link && error.hint?.contains(link) == true)
        let client = try contoso.client()
        _ = try? await client.send(GraphRequest(target: client.target(link)))
        #expect(contoso.network.requests.last?.url == link)
    }

    @Test("a torn page is an error, although the page after it has been requested already")
    func torn() async throws {
        let first = try Fixture.json("graph/graph-users-page1.json")
        let link = try #require(first["response"]?["body"]?["@odata.nextLink"]?.string)
        let torn = #"{"@odata.nextLink":"\#(link)","value":[{"id":"1"},{"#
        let network = FakeNetwork { _, number in
            number == 0 ? .recorded(first) : HTTPResponse(status: 200, headers: [:], body: Array(torn.utf8))
        }
        let (pages, error, _) = try await pages(network)
        #expect(pages.count == 1 && error?.code == .remoteFailed)
        #expect(error?.details["nextLink"]?.string == link)
    }

    @Test("empty pages in between don't end it", arguments: [#""value":[],"#, #""value":null,"#, ""])
    func emptyPages(value: String) async throws {
        let network = FakeNetwork { _, number in
            let link = "https://graph.microsoft.com/v1.0/users?$skiptoken=\(number)"
            return .json(number < 5 ? #"{\#(value)"@odata.nextLink":"\#(link)"}"# : #"{"value":[{"id":1}]}"#)
        }
        let (pages, error, _) = try await pages(network)
        #expect(error == nil && pages.flatMap(\.items).count == 1)
    }

    @Test("an answer that isn't a collection is one item, with its exact bytes")
    func noCollection() async throws {
        let (pages, error, _) = try await pages(FakeNetwork(.json("{\"id\": 1.0}")), endpoint: "/me")
        #expect(error == nil && pages.count == 1 && pages[0].isCollection == false)
        #expect(pages[0].items.map { Array($0) } == [Array("{\"id\": 1.0}".utf8)])
    }

    @Test(
        "an incomplete page is an error, not a short page",
        arguments: ["{\"value\":[{\"id\":1},", "{\"value\":[{\"id\":1}]", "", "<html>"])
    func torn(body: String) async throws {
        let (pages, error, _) = try await pages(FakeNetwork(.json(body)))
        #expect(pages.isEmpty && error?.code == .remoteFailed)
    }

    @Test("a throttled page in the middle is waited for, and no item is repeated")
    func throttledInBetween() async throws {
        let answers = try (1...3).map { HTTPResponse.recorded(try Fixture.json("graph/graph-users-page\($0).json")) }
        let busy = HTTPResponse(status: 429, headers: ["Retry-After": "3"])
        let network = FakeNetwork { _, number in [answers[0], busy, answers[1], busy, busy, answers[2]][number] }
        let (pages, error, contoso) = try await pages(network)
        #expect(error == nil && pages.count == 3)
        #expect(contoso.waits.told == Array(repeating: .milliseconds(3300), count: 3))
    }

    @Test(
        "a page size is requested if the service's maximum is known",
        arguments: [
            ("/users", nil, "$top=999"), ("/users", 5, "$top=5"), ("/me/messages", nil, "$top=100"),
            ("/me/messages?$select=subject,from", nil, "$top=1000"), ("/me/messages?$select=id,body", nil, "$top=100"),
            ("/users?$top=7", nil, "$top=7"), ("/chats/1/messages", 200, "$top=50"), ("/me/somethings", nil, nil),
            ("/me/somethings", 20, "$top=20"), ("/me/somethings", 500, "$top=50"), ("/users/delta", nil, nil),
        ] as [(String, Int?, String?)])
    func pageSize(endpoint: String, wanted: Int?, expected: String?) async throws {
        let (_, _, contoso) = try await pages(
            FakeNetwork(.json("{\"value\":[]}")), endpoint: endpoint, limits: PageLimits(items: wanted))
        let url = try #require(contoso.network.requests.first?.url)
        if let expected { #expect(url.hasSuffix(expected)) } else { #expect(!url.contains("$top")) }
    }

    @Test("our page size is dropped if the service refuses it, the caller's isn't")
    func refusedPageSize() async throws {
        let network = FakeNetwork { request, _ in
            request.url.contains("$top") ? HTTPResponse(status: 400) : .json("{\"value\":[1,2,3]}")
        }
        let (ours, error, _) = try await pages(network, endpoint: "/users", limits: PageLimits(items: 2))
        #expect(error == nil && ours.flatMap(\.items).count == 2)
        let (theirs, refused, _) = try await pages(network, endpoint: "/users?$top=5")
        #expect(theirs.isEmpty && refused != nil)
    }

    @Test("only reads are paged")
    func onlyReads() async throws {
        let client = try Contoso(FakeNetwork(.json("{}"))).client()
        let request = try GraphRequest(method: "POST", target: try client.target("/users"), json: [:])
        await #expect(throws: MMError.self) { for try await _ in client.pages(request) {} }
    }
}
