import MMCore
import MMHTTP
import Testing

@testable import MMGraph

@Suite("Long-running operations", .timeLimit(.minutes(5)))
struct LongRunningOperationTests {
    private func outcome(
        _ service: RequestService, _ method: String, _ endpoint: String, _ answers: [HTTPResponse]
    ) async throws -> (result: Result<GraphResponse, MMError>, contoso: Contoso) {
        let contoso = try Contoso(
            FakeNetwork { (_, number) throws(HTTPError) in answers[min(number, answers.count - 1)] })
        let client = try contoso.client(service)
        let request = try GraphRequest(method: method, target: try client.target(endpoint), json: [:])
        let response = try await client.send(request)
        do throws(MMError) {
            return (
                .success(try await client.outcome(of: response, to: request, deadline: .after(.seconds(5000)))), contoso
            )
        } catch {
            return (.failure(error), contoso)
        }
    }

    @Test("Azure's state is polled at the service's pace until it is done, then the object is read")
    func azure() async throws {
        let place = "https://management.azure.com/subscriptions/1/operations/2?api-version=2020-01-01"
        let (result, contoso) = try await outcome(
            .arm, "PUT", "/subscriptions/1/resourceGroups/a?api-version=2020-01-01",
            [
                HTTPResponse(status: 201, headers: ["Azure-AsyncOperation": place, "Retry-After": "11"]),
                .json(#"{"status":"InProgress"}"#, headers: ["Retry-After": "13"]), .json(#"{"status":"Succeeded"}"#),
                .json(#"{"name":"a"}"#),
            ])
        #expect(try result.get().json() == ["name": "a"])
        #expect(contoso.network.requests.map(\.method) == ["PUT", "GET", "GET", "GET"])
        #expect(contoso.network.requests[1].url == place)
        #expect(contoso.waits.told == [.seconds(11), .seconds(13)])
    }

    @Test("a location is polled until it no longer answers 202")
    func location() async throws {
        let place = "https://management.azure.com/subscriptions/1/operationresults/2?api-version=2020-01-01"
        let (result, contoso) = try await outcome(
            .arm, "DELETE", "/subscriptions/1/resourceGroups/a?api-version=2020-01-01",
            [
                HTTPResponse(status: 202, headers: ["Location": place]),
                HTTPResponse(status: 202, headers: ["Location": place]), HTTPResponse(status: 204),
            ])
        #expect(try result.get().status == 204)
        #expect(contoso.network.requests.count == 3)
        #expect(contoso.waits.told == [.seconds(15), .seconds(15)])
    }

    @Test("where a state is read, only the words of the end end the wait", arguments: ["Validating", "Resolving"])
    func otherWords(word: String) async throws {
        let place = "https://management.azure.com/subscriptions/1/operations/2?api-version=2020-01-01"
        let (result, contoso) = try await outcome(
            .arm, "POST", "/subscriptions/1/resourceGroups/a/start?api-version=2020-01-01",
            [
                HTTPResponse(status: 202, headers: ["Azure-AsyncOperation": place]),
                .json(#"{"status":"\#(word)"}"#), .json(#"{"status":"Succeeded"}"#),
            ])
        #expect(try result.get().json()["status"] == "Succeeded")
        #expect(contoso.network.requests.count == 3)
    }

    @Test("a monitor that says completed ends the wait, whatever its status", arguments: [200, 202])
    func completed(status: Int) async throws {
        let (result, contoso) = try await outcome(
            .graph, "POST", "/me/drive/items/1/copy",
            [
                HTTPResponse(status: 202, headers: ["Location": "https://contoso.sharepoint.com/_api/v2.0/monitor/x"]),
                .json(#"{"status":"completed","resourceId":"01"}"#, status: status),
            ])
        #expect(try result.get().json()["resourceId"] == "01")
        #expect(contoso.network.requests.count == 2)
    }

    @Test("a fault of a monitor says nothing about the work", arguments: [429, 500, 503])
    func busyMonitor(status: Int) async throws {
        let (result, contoso) = try await outcome(
            .graph, "POST", "/me/drive/items/1/copy",
            [
                HTTPResponse(status: 202, headers: ["Location": "https://contoso.sharepoint.com/_api/v2.0/monitor/x"]),
                HTTPResponse(status: status, headers: ["Retry-After": "9"]), .json(#"{"status":"completed"}"#),
            ])
        #expect(try result.get().json()["status"] == "completed")
        #expect(contoso.waits.told.last == .seconds(9))
    }

    @Test("a state that can't be read is no refusal of the request", arguments: [403, 503])
    func unreadable(status: Int) async throws {
        let (result, _) = try await outcome(
            .graph, "POST", "/me/drive/items/1/copy",
            [
                HTTPResponse(status: 202, headers: ["Location": "https://contoso.sharepoint.com/_api/v2.0/monitor/x"]),
                HTTPResponse(status: status),
            ])
        guard case .failure(let error) = result else {
            Issue.record("it did not fail")
            return
        }
        #expect(error.code == .remoteFailed && error.retry == .never)
        #expect(error.message.hasPrefix("POST /v1.0/me/drive/items/1/copy was started, but"))
        #expect(error.hint?.contains("before you send it again") == true)
    }

    @Test("a request that was accepted doesn't count as unsent because nobody can be asked for its state")
    func unreachable() async throws {
        let address = "https://graph.microsoft.com/v1.0/operations/1"
        let contoso = try Contoso(
            FakeNetwork { (_, number) throws(HTTPError) in
                if number > 0 { throw HTTPError(.connect, "Nobody is there.") }
                return HTTPResponse(status: 202, headers: ["Location": address])
            })
        let client = try contoso.client()
        let request = try GraphRequest(method: "POST", target: try client.target("/teams"), json: [:])
        let response = try await client.send(request)
        let error = await #expect(throws: MMError.self) {
            try await client.outcome(of: response, to: request, deadline: .after(.seconds(5000)))
        }
        #expect(error?.message.contains("was started, but") == true && error?.isUnsent == false, "\(error as Any)")
    }

    @Test("an environment's state is an object")
    func environment() async throws {
        let place = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/lifecycleOperations/1"
        let (result, contoso) = try await outcome(
            .bap, "POST", "/providers/Microsoft.BusinessAppPlatform/environments",
            [
                HTTPResponse(status: 202, headers: ["Location": place]), .json(#"{"state":{"id":"Running"}}"#),
                .json(#"{"state":{"id":"Failed"},"error":{"message":"No capacity."}}"#),
            ])
        guard case .failure(let error) = result else {
            Issue.record("it did not fail")
            return
        }
        #expect(error.message.hasSuffix("ended as Failed: No capacity."))
        #expect(contoso.network.requests.count == 3)
    }

    @Test("a failure is an error with the service's reason", arguments: ["Failed", "Canceled"])
    func failure(state: String) async throws {
        let (result, _) = try await outcome(
            .graph, "POST", "/teams",
            [
                HTTPResponse(status: 202, headers: ["Location": "/teams('1')/operations('2')"]),
                .json(#"{"status":"\#(state)","error":{"code":"Conflict","message":"It is there."}}"#),
            ])
        guard case .failure(let error) = result else {
            Issue.record("it did not fail")
            return
        }
        #expect(error.message.contains("It is there.") && error.message.contains(state))
    }

    @Test("a relative address is polled with the token, a monitor on another host without one")
    func places() async throws {
        let (_, teams) = try await outcome(
            .graph, "POST", "/teams",
            [
                HTTPResponse(status: 202, headers: ["Location": "/teams('1')/operations('2')"]),
                .json(#"{"status":"inProgress"}"#), .json(#"{"status":"succeeded"}"#),
            ])
        #expect(teams.network.requests.count == 3)
        #expect(teams.network.requests[1].url == "https://graph.microsoft.com/v1.0/teams('1')/operations('2')")
        #expect(teams.network.requests[1].headers["Authorization"] != nil)
        let monitor = "https://contoso.sharepoint.com/_api/v2.0/monitor/x?tempauth=y"
        let (result, copy) = try await outcome(
            .graph, "POST", "/me/drive/items/1/copy",
            [
                HTTPResponse(status: 202, headers: ["Location": monitor]),
                .json(#"{"status":"inProgress","percentageComplete":27.8}"#, status: 202),
                .json(#"{"status":"completed","resourceId":"01"}"#),
            ])
        #expect(try result.get().json()["resourceId"] == "01")
        #expect(copy.network.requests[1].url == monitor && copy.network.requests[1].headers["Authorization"] == nil)
    }

    @Test("an accepted request without an address counts as done", arguments: [202, 200, 204])
    func done(status: Int) async throws {
        let (result, contoso) = try await outcome(.graph, "POST", "/me/sendMail", [HTTPResponse(status: status)])
        #expect(try result.get().status == status)
        #expect(contoso.network.requests.count == 1)
    }
}
