import MMCore
import MMDesk
import MMNative

/// From a bound cmdlet to the request that is sent.
enum ExchangeCommands {
    /// The request of a bound cmdlet: limits, pages, and no question of the service's own, which the guard has asked before.
    /// - Throws: `.unsupported` for what only PowerShell carries out, `.invalidInput` for what must not be sent.
    static func command(of bound: ExchangeCall, at service: ExchangeTable.Service) throws(MMError) -> ExchangeCommand {
        if let common = bound.powerShellOnlyParameter {
            throw MMError(.unsupported, "the common parameter -\(common) of \(bound.cmdlet)")
        }
        if let action = bound.errorAction,
            !["stop", "silentlycontinue", "ignore", "continue"].contains(action)
        {
            throw MMError(.unsupported, "-ErrorAction \(action)")
        }
        if service == .scc, bound.parameters["WhatIf"] == .bool(true) {
            throw MMError(
                .invalidInput,
                "-WhatIf does not work in the compliance service: \(bound.cmdlet) would really run, so it was not sent.",
                hint: "Leave -WhatIf out to run it, or use mm run --dry-run to see the request.")
        }
        var command = ExchangeCommand(bound.cmdlet, bound.parameters)
        if bound.asksFirst, bound.parameters["Confirm"] == nil, bound.parameters["WhatIf"] != .bool(true) {
            command.parameters["Confirm"] = .bool(false)
        }
        command.headers = bound.headers
        command.limit = bound.limit
        if bound.limit == nil, bound.takesResultSize, bound.parameters["ResultSize"] == nil {
            command.limit = ExchangeCommand.maxPageSize
        }
        if let size = bound.pageSize { command.pageSize = size }
        command.usesCustomRouting = bound.usesCustomRouting
        command.properties = bound.properties
        return command
    }
}

extension ExchangeTable.Service {
    /// The endpoint that runs its cmdlets.
    var endpoint: ExchangeService { self == .exo ? .exchange : .compliance }

    /// The module's word for people.
    var module: String { self == .exo ? "exo" : "compliance" }

    /// The service whose cmdlets an endpoint runs.
    init(of endpoint: ExchangeService) { self = endpoint == .exchange ? .exo : .scc }

    /// The service of a module's word; `nil` for other modules.
    init?(module: String) {
        switch module.lowercased() {
        case "exo": self = .exo
        case "compliance": self = .scc
        default: return nil
        }
    }
}
