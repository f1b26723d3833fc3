import MMCore
import MMPowerShell

/// The cmdlets that change the policies of Teams: `Set-`, `New-` and `Remove-` of each noun.
enum StandInPolicies {
    /// The commands by lower-case name.
    static let commands: [String: StandInModules.Run] = {
        var commands: [String: StandInModules.Run] = [:]
        for kind in TeamsConfiguration.Kind.all {
            commands["set-cs\(kind.noun.lowercased())"] = { write("PUT", kind, $0, $1) }
            guard !kind.isSingle else { continue }
            commands["new-cs\(kind.noun.lowercased())"] = { write("POST", kind, $0, $1) }
            commands["remove-cs\(kind.noun.lowercased())"] = { write("DELETE", kind, $0, $1) }
        }
        return commands
    }()

    /// Parameters of every cmdlet that are no settings.
    private static let common: Set<String> = ["identity", "erroraction", "warningaction", "confirm", "force", "whatif"]

    private static func write(
        _ method: String, _ kind: TeamsConfiguration.Kind, _ call: StandInCall, _ host: StandInHost
    ) -> CommandEnd? {
        guard let account = host.modules.signedIn["teams"] else {
            return StandInRefusal("\(call.name) needs a sign-in first: run Connect-MicrosoftTeams.", id: "NotConnected")
                .end
        }
        guard let tenant = host.tenant, let token = account.administration ?? account.token else {
            return StandInRefusal("\(call.name) needs the sandbox tenant.", id: "NotInSandbox").end
        }
        let known = Set((kind.objects.first?.settings ?? [:]).map { $0.key.lowercased() })
        var body = JSONObject()
        for (name, value) in call.named where !common.contains(name) {
            guard known.contains(name) else {
                return StandInRefusal(
                    "A parameter cannot be found that matches parameter name '\(name)'.", id: "NamedParameterNotFound"
                ).end
            }
            body[name] = value
        }
        let name = call.named["identity"]?.string ?? call.text(0) ?? (method == "PUT" ? "Global" : "")
        var path = "/Skype.Policy/configurations/\(kind.type)"
        if method == "POST" {
            body["Identity"] = .string(name)
        } else {
            path += "/configuration/\(PercentCoding.encode(name, isPlain: PercentCoding.isSegmentByte))"
        }
        let (place, text) = (path, method == "DELETE" ? nil : JSONWriter.string(.object(body)))
        let outcome = host.result(every: 5) {
            await Result { () async throws(MMError) in
                try await tenant.send(method, place, body: text, token: token)
            }
        }
        switch outcome {
        case .success(let answer) where answer.status < 300: return nil
        case .success(let answer):
            let message = (try? JSONParser.parse(Array(answer.text.utf8)))?["error"]?["message"]?.string
            return StandInRefusal(message ?? "The service answered \(answer.status).", id: "ServiceRefused").end
        case .failure(let error) where error.code == .cancelled: return CommandEnd(.stopped)
        case .failure(let error): return StandInRefusal(error.message, id: "NoAnswer").end
        }
    }
}
