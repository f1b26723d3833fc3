import MMCore
import MMDesk
import MMGuard
import MMOperations
import MMShell

/// A call of a tool of the two shell servers, with the steps that all of them take around a command.
struct ShellToolCall: Sendable {
    let tool: String
    let context: CallContext
    let services: OperationServices
    let configuration: ShellsConfiguration

    /// Refuses commands that touch the program's own sign-ins, connections and confirmations; everything else ran in
    /// the original servers and runs here.
    func check(
        _ command: String, place: ShellPlace, directory: String?
    ) async throws(MMError) -> Cleared<ShellLine> {
        let shellContext = ShellContext(
            isRemote: place == .ssh, home: place == .shell ? services.paths.home : nil, directory: directory,
            ownFiles: ShellOpening.ownFiles(services.shellServices))
        let verdict = try await services.guards.verdict(shell: command, in: shellContext, policy: .standard)
        guard verdict.classes.contains(.session) else { return .admitted(ShellLine(command)) }
        let finding = verdict.findings.first { $0.classes.contains(.session) }
        throw MMError(
            .denied, "Security validation failed: \(finding?.reason ?? verdict.reason).", hint: finding?.instead,
            details: ["rule": .string(finding?.rule ?? verdict.rule)])
    }

    /// Writes an audit entry: sizes and status, no content.
    func record(_ facts: JSONObject, outcome: String, since start: ContinuousClock.Instant) async {
        var entry: JSONObject = [
            "operation": .string(tool), "surface": .string(context.caller.surface.rawValue),
            "client": .string(context.caller.name), "outcome": .string(outcome),
            "durationMilliseconds": .int((ContinuousClock.now - start).milliseconds),
        ]
        for (key, value) in facts { entry[key] = value }
        services.log.info("\(tool) \(outcome)", facts)
        do throws(MMError) {
            try await services.audit.append(entry)
        } catch {
            services.log.error("the audit line could not be written: \(error.message)")
        }
    }

    /// Records a command if the security file asks for it.
    func note(_ command: String, secrets: [Secret], isRefused: Bool) async {
        await ShellAudit.record(
            command, outcome: isRefused ? "refused" : "handed over", configuration, secrets: secrets,
            services.shellServices)
    }
}

extension ShellJob {
    /// Returns a stream as text for people; invalid UTF-8 is replaced.
    func words(_ stream: ShellCommand.Stream) -> String {
        String(decoding: strippingExitBanner(stream).bytes, as: UTF8.self)
    }
}
