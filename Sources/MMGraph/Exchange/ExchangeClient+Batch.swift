package import MMCore
internal import MMHTTP
internal import MMIdentity

/// Several cmdlets that read, in one request.
extension ExchangeClient {
    /// The number of cmdlets that the service takes in one request.
    package static let largestBatch = 10

    /// The rows that cmdlets put out, each to its last page. Ten first pages cost one request; what fails among them is asked for
    /// again by itself.
    /// - Parameters:
    ///   - commands: cmdlets that only read.
    ///   - deadline: when to give up.
    ///   - report: called with a sentence when the client waits because the service asks to slow down.
    /// - Returns: the rows of each cmdlet as JSON texts, or why there are none, in the order of the cmdlets.
    /// - Throws: what stops all of them: sign-in, network.
    package func readings(
        of commands: [ExchangeCommand], deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> [Result<[ArraySlice<UInt8>], ExchangeFault>] {
        precondition(commands.allSatisfy(\.isReadOnly), "a cmdlet that writes is sent by itself")
        var results: [Result<[ArraySlice<UInt8>], ExchangeFault>] = []
        for start in stride(from: 0, to: commands.count, by: Self.largestBatch) {
            let some = Array(commands[start..<min(start + Self.largestBatch, commands.count)])
            let firsts = try await firstPages(of: some, deadline: deadline, report: report)
            for (command, first) in zip(some, firsts) {
                results.append(await rows(of: command, after: first, deadline, report))
            }
        }
        return results
    }

    private func rows(
        of command: ExchangeCommand, after first: ExchangePage?, _ deadline: Deadline,
        _ report: @escaping @Sendable (String) -> Void
    ) async -> Result<[ArraySlice<UInt8>], ExchangeFault> {
        var pages = ExchangePages(
            client: self, command: command, deadline: deadline, report: report, after: first)
        var rows = first?.rows ?? []
        do throws(ExchangeFault) {
            while let page = try await pages.next() { rows += page.rows }
            return .success(rows)
        } catch {
            return .failure(error)
        }
    }

    /// The first pages; `nil` for a cmdlet that the service did not answer with one.
    private func firstPages(
        of commands: [ExchangeCommand], deadline: Deadline, report: @escaping @Sendable (String) -> Void
    ) async throws(MMError) -> [ExchangePage?] {
        guard commands.count > 1 else { return commands.map { _ in nil } }
        try await findHome(deadline)
        var attempt = ExchangeAttempt(
            client: self, command: commands[0], batch: commands, size: commands[0].pageSize, deadline: deadline,
            report: report)
        let response = try await attempt.run(at: nil)
        // Whatever the service holds against the batch, it says it again, and better, of each cmdlet.
        guard (200..<300).contains(response.status), let answers = try response.json()["responses"]?.array else {
            return commands.map { _ in nil }
        }
        var pages: [ExchangePage?] = []
        for (index, command) in commands.enumerated() {
            let answer = answers.first { ($0["id"]?.string ?? $0["id"]?.int.map(String.init)) == String(index) }
            guard let answer, let status = answer["status"]?.int, (200..<300).contains(status) else {
                pages.append(nil)
                continue
            }
            let body = answer["body"].flatMap { $0.isNull ? nil : JSONWriter.bytes($0) } ?? []
            pages.append(
                try ExchangePage(
                    GraphResponse(status: status, headers: [:], body: body), cmdlet: command.cmdlet))
        }
        return pages
    }

    /// Returns the path of a batch.
    nonisolated func batchPath(_ tenant: String) -> String { "/adminapi/beta/\(tenant)/$batch" }

    /// Returns the request for the first pages of several cmdlets.
    nonisolated func wire(
        batch commands: [ExchangeCommand], url: String, account: SignedInAccount, authorization: String,
        requestID: String, timeout: Duration
    ) -> HTTPRequest {
        let origin = WebAddress(url)?.origin ?? ""
        let items = commands.enumerated().map { index, command -> JSONValue in
            let request = wire(
                command, url: origin + path(command, account.tenantID), size: command.pageSize, account: account,
                authorization: "", requestID: RandomBytes.uuid(), timeout: timeout)
            var headers = JSONObject()
            for field in request.headers where field.name != "Authorization" {
                headers[field.name] = .string(field.value)
            }
            return [
                "id": .string(String(index)), "method": "POST", "url": .string(request.url),
                "headers": .object(headers), "body": command.body,
            ]
        }
        var headers = headers(by: account, authorization: authorization)
        headers.set("client-request-id", requestID)
        headers.set("Content-Type", "application/json; charset=utf-8")
        headers.set("Prefer", "odata.continue-on-error")
        return HTTPRequest(
            method: "POST", url: url, headers: headers, body: JSONWriter.bytes(["requests": .array(items)]),
            timeout: timeout, maxResponseBytes: Self.largestPage, allowsPlainHTTP: url.hasPrefix("http:"))
    }
}
