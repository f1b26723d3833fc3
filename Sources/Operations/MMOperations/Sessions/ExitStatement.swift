import PowerShellSyntax

/// The `exit` with which a script says how it ended. PowerShell doesn't tell its code of a script in a session, so it is read
/// from the text: an `exit` with a plain number as the last statement.
struct ExitStatement {
    /// The code.
    let code: Int32

    /// The end of a script; `nil` where it says nothing.
    init?(_ script: ParsedScript) {
        guard script.errors.isEmpty, case .flow(let flow)? = script.root?.body?.statements.last, flow.kind == .exit
        else {
            return nil
        }
        guard let value = flow.value else {
            code = 0
            return
        }
        guard case .number(let number)? = value.pureExpression, case .int32(let code) = number.value else { return nil }
        self.code = code
    }
}
