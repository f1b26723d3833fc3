import MMCore
import MMDesk
import MMIdentity

/// A cmdlet of Exchange or of the compliance service that a program sends as a request, with what reads and notes what it changes.
struct WireCmdlet {
    let command: ExchangeCommand
    let watch: CmdletWatch

    /// The cmdlet that a request to the admin API carries; `nil` for any other request.
    /// - Parameter body: its body, as far as that is JSON.
    init?(
        at address: WebAddress, _ body: JSONValue, of connection: Connection, _ requests: RequestServices,
        in context: OperationContext
    ) {
        let path = address.pathAndQuery.prefix { $0 != "?" }.lowercased()
        guard path.hasPrefix("/adminapi/"), path.hasSuffix("/invokecommand"),
            let name = body["CmdletInput"]?["CmdletName"]?.string,
            let parameters = body["CmdletInput"]?["Parameters"]?.object
        else { return nil }
        for service in ExchangeService.allCases {
            guard
                let client = try? GuardedExchange(
                    identity: requests.identity, connection: connection, service: service),
                client.serves(address)
            else { continue }
            command = ExchangeCommand(name, parameters)
            watch = CmdletWatch(client: client, connection: connection, requests: requests, context: context)
            return
        }
        return nil
    }

    /// What it would change, as it is written; `nil` where it only reads.
    var written: Change? { Change(command, at: watch.client.service) }
}
