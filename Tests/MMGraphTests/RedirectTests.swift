import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMGraph

@Suite("Redirects", .timeLimit(.minutes(5)))
struct RedirectTests {
    private func redirect(_ location: String, status: Int = 302) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Location": location])
    }

    @Test("a download is followed without any credential")
    func download() async throws {
        let exchanges = try #require(try Fixture.json("graph/graph-lro-and-download.json").array)
        let file = HTTPResponse(status: 200, headers: ["Content-Type": "application/octet-stream"], body: [1, 2, 3])
        let contoso = try Contoso(FakeNetwork(.recorded(exchanges[3]), file))
        let client = try contoso.client()
        let request = try GraphRequest(
            target: try client.target("/me/drive/items/01FAKE/content"), headers: ["Range": "bytes=0-2", "Prefer": "x"])
        #expect(try await client.send(request).body == [1, 2, 3])
        let second = try #require(contoso.network.requests.last)
        #expect(second.url.hasPrefix("https://contoso.sharepoint.com/_layouts/15/download.aspx"))
        #expect(second.headers["Authorization"] == nil && second.headers["client-request-id"] == nil)
        #expect(second.headers["Prefer"] == nil && second.headers["Range"] == "bytes=0-2")
    }

    @Test(
        "addresses that can't be downloads on the internet aren't followed",
        arguments: [
            "http://contoso.sharepoint.com/x", "https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x",
            "https://[2001:db8::1]/x", "https://[fd00::1]:443/x", "https://[::ffff:10.0.0.1]/x",
            "https://169.254.169.254/metadata", "https://2130706433/", "https://0x7f000001/",
            "https://user@contoso.example/x",
            "ftp://contoso.example/x", "file:///etc/passwd", "//evil.example/x", "", "https://", "https://10.0.0.1/",
        ])
    func refused(location: String) async throws {
        let contoso = try Contoso(FakeNetwork(redirect(location), .json("{}")))
        let client = try contoso.client()
        let error = await #expect(throws: MMError.self) {
            try await client.send(GraphRequest(target: try client.target("/me/drive/items/1/content")))
        }
        #expect(error?.code == .denied || error?.code == .remoteFailed)
        #expect(contoso.network.requests.count == 1)
    }

    @Test(
        "each redirect is checked, not only the first",
        arguments: [
            "https://[2001:db8::1]/x", "http://contoso.sharepoint.com/y", "https://10.0.0.1/", "//evil.example/x",
        ])
    func secondHop(location: String) async throws {
        let first = redirect("https://contoso.sharepoint.com/x")
        let contoso = try Contoso(FakeNetwork(first, redirect(location), .json("{}")))
        let client = try contoso.client()
        await #expect(throws: MMError.self) {
            try await client.send(GraphRequest(target: try client.target("/me/drive/items/1/content")))
        }
        #expect(contoso.network.requests.count == 2)
    }

    @Test("a path without a host stays on the host that named it")
    func relativeHop() async throws {
        let file = HTTPResponse(status: 200, body: [7])
        let contoso = try Contoso(FakeNetwork(redirect("https://contoso.sharepoint.com/x"), redirect("/y?z=1"), file))
        let client = try contoso.client()
        let request = try GraphRequest(target: client.target("/me/drive/items/1/content"))
        #expect(try await client.send(request).body == [7])
        #expect(contoso.network.requests.last?.url == "https://contoso.sharepoint.com/y?z=1")
        #expect(contoso.network.requests.last?.headers["Authorization"] == nil)
    }

    @Test("a write is never redirected")
    func write() async throws {
        let contoso = try Contoso(FakeNetwork(redirect("https://contoso.sharepoint.com/x", status: 307), .json("{}")))
        let client = try contoso.client()
        await #expect(throws: MMError.self) {
            try await client.send(GraphRequest(method: "POST", target: try client.target("/me/x"), json: [:]))
        }
        #expect(contoso.network.requests.count == 1)
    }

    @Test("circular redirects end, and no error shows the address")
    func circles() async throws {
        let contoso = try Contoso(FakeNetwork(redirect("https://contoso.sharepoint.com/?tempauth=SECRET")))
        let client = try contoso.client()
        let error = await #expect(throws: MMError.self) {
            try await client.send(GraphRequest(target: try client.target("/me/drive/items/1/content")))
        }
        #expect(contoso.network.requests.count == 6)
        #expect(error.map { !"\($0) \($0.json)".contains("SECRET") } == true)
    }

    @Test("an expired link is reported without showing it")
    func ended() async throws {
        let contoso = try Contoso(
            FakeNetwork(redirect("https://contoso.sharepoint.com/?tempauth=SECRET"), HTTPResponse(status: 403)))
        let client = try contoso.client()
        let error = await #expect(throws: MMError.self) {
            try await client.send(GraphRequest(target: try client.target("/me/drive/items/1/content")))
        }
        #expect(error?.details["status"] == 403)
        #expect(error.map { !"\($0) \($0.json)".contains("SECRET") } == true)
    }
}
