internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Reports a request to the sign-in service, which a script must never call itself.
    mutating func checkWeb(_ call: CommandCall) {
        var isConstant = true
        for (index, argument) in call.arguments.enumerated() {
            guard let value = argument.value else { continue }
            var text = call.constant(index).texts?.joined(separator: " ") ?? ""
            if case .expandableString(let node) = value { text = node.value }
            if text.asciiLowercased.contains("login.microsoftonline") {
                report(
                    GuardFinding(
                        rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
                        reason: "It calls the sign-in service directly.",
                        instead: "The server handles sign-ins: use its login tool.", subject: "login.microsoftonline"),
                    call.extent)
            }
            if argument.mayBe("uri"), call.constant(index) == .dynamic { isConstant = false }
        }
        if !isConstant { report(.requestAddress, call.extent) }
    }
}
