package import MMCore
import MMGraph
package import MMGuard
import MMHTTP
package import MMIdentity

/// A connection's way to the service of Exchange's cmdlets, for operations: cmdlets that only read go through as they are, all others
/// want what the guard has cleared.
package struct GuardedExchange: Sendable {
    private let client: ExchangeClient
    private let connection: Connection

    /// A client for a connection's cmdlets; nothing is sent yet.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    package init(
        identity: IdentityService, connection: Connection, service: ExchangeService
    ) throws(MMError) {
        client = try ExchangeClient(identity: identity, connection: connection, service: service)
        self.connection = connection
    }

    /// The endpoint that runs the cmdlets.
    package var service: ExchangeService { client.service }
    /// Whose cmdlets they are.
    package var connectionName: String { client.connectionName }

    /// Whether an address is one of this service.
    package func serves(_ address: WebAddress) -> Bool { client.serves(address) }

    /// The cmdlets that the signed-in account may run.
    package func cmdlets(deadline: Deadline = .after(.seconds(60))) async throws(MMError) -> ExchangeCmdletList {
        try await client.cmdlets(deadline: deadline)
    }

    // MARK: Reading

    /// The rows that cmdlets put out which only read: `ExchangeClient.readings`.
    /// - Throws: `.internalError` where one of them does more.
    package func readings(
        of commands: [ExchangeCommand], deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> [Result<[ArraySlice<UInt8>], ExchangeFault>] {
        if let other = commands.first(where: { !$0.isReadOnly }) { throw Self.refusal(of: other) }
        return try await client.readings(of: commands, deadline: deadline, report: report)
    }

    /// The pages of a cmdlet that only reads.
    /// - Throws: `.internalError` for one that does more.
    package func readPages(
        _ command: ExchangeCommand, deadline: Deadline, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(MMError) -> ExchangePages {
        guard command.isReadOnly else { throw Self.refusal(of: command) }
        return client.pages(command, deadline: deadline, report: report)
    }

    /// The number of cmdlets that the service takes in one request.
    package static var largestBatch: Int { ExchangeClient.largestBatch }

    private static func refusal(of command: ExchangeCommand) -> MMError {
        MMError(.internalError, "\(command.cmdlet) does more than read: it was not sent without the guard.")
    }

    // MARK: What was cleared

    /// The pages of a cmdlet that was cleared. Nothing is sent until the first is asked for.
    /// - Throws: `.conflict` for one that was not.
    package func pages(
        _ command: ExchangeCommand, by cleared: Cleared<some CmdletAct>, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(MMError) -> ExchangePages {
        try cleared.check(command, at: self)
        return client.pages(command, deadline: deadline, report: report)
    }

    /// The request of a cmdlet as it would be sent, without a token.
    package func wireRequest(of command: ExchangeCommand) throws(MMError) -> WireRequest {
        let account = SignedInAccount(
            username: connection.expectedEmail ?? "account@tenant", objectID: "",
            tenantID: connection.tenantId ?? connection.tenant ?? "TENANT", homeAccountID: "")
        let sent = try client.preview(command, by: account)
        let host = sent.url.firstRange(of: "://").map { sent.url[$0.upperBound...].prefix { $0 != "/" } } ?? ""
        return WireRequest(
            service: .exchange, origin: String(sent.url[..<host.endIndex]), method: sent.method,
            target: String(sent.url[host.endIndex...]),
            headers: sent.headers.map { WireRequest.Field($0.name, $0.value) },
            body: .whole(sent.body ?? JSONWriter.bytes(command.body)))
    }
}
