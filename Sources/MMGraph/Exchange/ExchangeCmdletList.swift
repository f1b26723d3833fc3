package import MMCore
internal import MMHTTP
internal import MMIdentity

/// The cmdlets that an account may run, as listed by the service; they depend on its roles.
package struct ExchangeCmdletList: Sendable, Hashable {
    /// The names as the service spells them, by name in lower case.
    private let names: [String: String]

    init(_ names: some Sequence<String>) {
        var known: [String: String] = [:]
        for name in names { known[name.lowercased()] = name }
        self.names = known
    }

    /// Returns whether the account may run a cmdlet; the name is case-insensitive.
    package func contains(_ name: String) -> Bool { names[name.lowercased()] != nil }

    /// Returns the service's spelling of a cmdlet's name.
    package func spelling(of name: String) -> String? { names[name.lowercased()] }

    /// All names, sorted.
    package var all: [String] { names.values.sorted() }
}

extension ExchangeClient {
    /// Returns the cmdlets that the account may run; the service is asked only once.
    /// - Throws: the service's error, such as `.forbidden` when the account may run none; what sending throws.
    package func cmdlets(deadline: Deadline = .after(.seconds(60))) async throws(MMError) -> ExchangeCmdletList {
        if let cmdletList { return cmdletList }
        try await findHome(deadline)
        var token = try await identity.token(for: connection, resource: service.resource, deadline: deadline)
        var hops = 0
        var hasRenewed = false
        var place: String?
        while true {
            var headers = headers(by: token.account, authorization: token.authorization)
            headers.set("CommandName", "*")
            var url = try row()
            if let regionalOrigin { url = regionalOrigin }
            url += "/adminapi/v1.0/\(token.account.tenantID)/EXOModuleFile?Version=\(Self.version)"
            if let place { url = place }
            let request = HTTPRequest(
                method: "GET", url: url, headers: headers,
                timeout: min(.seconds(100), max(deadline.remaining, .milliseconds(1))), maxResponseBytes: 64 << 20,
                allowsPlainHTTP: url.hasPrefix("http:"))
            let sent = try await sendOnce(request, "listing the cmdlets of \(connection.name)", deadline: deadline)
            let response = GraphResponse(status: sent.status, headers: sent.headers, body: sent.body)
            if (300..<400).contains(response.status), hops < 4, let next = try moved(by: response, from: url) {
                hops += 1
                place = next
                continue
            }
            if response.status == 401, !hasRenewed {
                hasRenewed = true
                let challenge = BearerChallenge(response.fields.values(for: "WWW-Authenticate"))
                token = try await identity.token(
                    insteadOf: token, for: connection, claims: challenge?.claims, deadline: deadline)
                continue
            }
            guard (200..<300).contains(response.status) else {
                throw ExchangeError(response, cmdlet: "the list of cmdlets").mmError(of: connection.name, service)
            }
            let list = try Self.list(response)
            cmdletList = list
            return list
        }
    }

    private static func list(_ response: GraphResponse) throws(MMError) -> ExchangeCmdletList {
        let json = try response.json()
        var names: [String] = []
        for entry in json["value"]?.array ?? [json] {
            let exported = entry["exportedCmdlets"] ?? entry["ExportedCmdlets"]
            if let text = exported?.string {
                names += text.split(separator: ",").map { String($0).trimmed }
            } else {
                names += (exported?.array ?? []).compactMap(\.string)
            }
        }
        return ExchangeCmdletList(names.filter { $0.contains("-") })
    }
}
