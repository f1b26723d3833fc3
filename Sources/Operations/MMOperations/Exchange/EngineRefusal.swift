import MMCore
import MMDesk
import MMGuard
import MMNative

/// Why no engine here runs a script, and what to do about it.
enum EngineRefusal {
    /// A script that the native engine alone was asked for, or that has no other.
    static func beyond(
        _ reason: String, _ strangers: [String], _ module: String, hasPowerShell: Bool, isMixed: Bool = false,
        hasSent: Bool = false, because: String? = nil
    ) -> MMError {
        if let unknown = unknown(strangers, module) { return unknown }
        if isMixed {
            return MMError(
                .unsupported, "The native engine does not run this script: \(reason). \(Self.sent(hasSent))",
                hint:
                    "Its cmdlets are in several modules, of which a PowerShell session holds one: split it by module.",
                details: ["engine": "native", "reason": .string(reason)])
        }
        return MMError(
            .unsupported, "The native engine does not run this script: \(reason). \(Self.sent(hasSent))",
            hint: because.map { "It stays in the native engine, because \($0): mm reset makes a new one." }
                ?? (hasPowerShell
                    ? "Leave --engine native out, so that PowerShell takes what the native engine can't."
                    : "The module \(module) has no PowerShell here: write the script as a pipeline of cmdlets, with "
                        + "Where-Object, Select-Object, Sort-Object, ForEach-Object and their like."),
            details: ["engine": "native", "reason": .string(reason)])
    }

    /// What was sent before the script turned out to be beyond the engine: scripts that had written end in another way.
    private static func sent(_ hasSent: Bool) -> String {
        hasSent ? "It had only read: nothing was changed." : "Nothing was sent."
    }

    /// A script that needs a PowerShell on a machine without one.
    static func missing(
        _ reason: String, _ strangers: [String], _ module: String, _ error: MMError,
        hasSent: Bool = false
    ) -> MMError {
        if let unknown = unknown(strangers, module) { return unknown }
        return MMError(
            .unavailable,
            "The script is beyond the native engine (\(reason)), and there is no PowerShell on this machine. \(sent(hasSent))",
            hint: error.hint, details: ["reason": .string(reason), "looked": error.details["looked"] ?? .null])
    }

    /// What people call the service of a module.
    private static func title(_ module: String) -> String {
        ExchangeTable.Service(module: module)?.endpoint.title ?? "Microsoft Graph"
    }

    /// A cmdlet that neither the tables nor the service know.
    static func unknown(_ strangers: [String], _ module: String) -> MMError? {
        // PowerShell's own commands are no cmdlets of the service: what is wrong with them is the reason itself.
        let classes = CmdletClasses()
        guard let name = strangers.first(where: { !classes.knows($0) }) else { return nil }
        // PowerShell's own are among them: a script misspells Select-Object as well.
        let near = CmdletCompletion(module: module).near(name)
        return MMError(
            .notFound,
            "\(title(module)) has no cmdlet \(name) that is known here, or the account may not run it. Nothing was "
                + "sent.",
            hint: near.isEmpty
                ? "mm cmdlets lists the cmdlets."
                : "Near: \(near.joined(separator: ", ")). mm cmdlets lists all of them.",
            details: ["cmdlet": .string(name), "near": .array(near.map { .string($0) })])
    }
}
