import PowerShellSyntax

/// How a function or script asks a person before its changes (about_Functions_CmdletBindingAttribute).
struct ScriptConfirmation {
    /// Whether it has the parameters `-WhatIf` and `-Confirm`.
    let isSupported: Bool
    /// Whether it asks before each change, unless the caller says otherwise.
    let asksFirst: Bool

    /// Reads the attributes of a `param` block.
    init(_ attributes: [AttributeSyntax]) {
        let settings = attributes.filter { $0.typeName.fullName.lowercased() == "cmdletbinding" }
            .flatMap(\.namedArguments)
        isSupported = settings.contains { setting in
            guard setting.name.lowercased() == "supportsshouldprocess" else { return false }
            guard !setting.isOmitted, case .variable(let value) = setting.argument else { return setting.isOmitted }
            return value.path.name.lowercased() == "true"
        }
        let impact = settings.first { $0.name.lowercased() == "confirmimpact" }
        if case .string(let level)? = impact?.argument {
            asksFirst = isSupported && level.value.lowercased() == "high"
        } else {
            asksFirst = false
        }
    }

    /// The parameter that a written name means; `nil` for any other.
    func parameter(_ written: String) -> String? {
        guard isSupported else { return nil }
        switch written.lowercased() {
        case "confirm", "cf": return "Confirm"
        case "whatif", "wi": return "WhatIf"
        default: return nil
        }
    }

    /// What becomes of the questions of one call.
    enum Questions {
        /// Each change is asked about.
        case open
        /// All further ones have this answer.
        case answered(Bool)
    }
}

extension Evaluator {
    /// Returns whether a call may make a change, as `$PSCmdlet.ShouldProcess` does.
    func mayProcess(_ arguments: [PSValue]) throws(Interrupt) -> Bool {
        if case .answered(let answer) = questions { return answer }
        let texts = arguments.map(\.text)
        let act =
            texts.count == 3
            ? texts[1]
            : "Performing the operation \"\(texts.count > 1 ? texts[1] : functionName ?? "")\" on target \"\(texts[0])\"."
        return try confirmed("Are you sure you want to perform this action? \(act)")
    }

    /// Asks a person, whose answer may be for all further changes of the call. A rehearsal shows what is changed after
    /// a yes.
    func confirmed(_ question: String) throws(Interrupt) -> Bool {
        guard let host else { throw .handOver("a question before a change") }
        guard !host.isRehearsal else { return true }
        let answer = try host.answer(
            "Confirm", question: question + " [Y] Yes [A] Yes to All [N] No [L] No to All", in: self)
        switch answer.lowercased() {
        case "", "y", "yes": return true
        case "a", "yes to all":
            questions = .answered(true)
            return true
        case "l", "no to all":
            questions = .answered(false)
            return false
        default: return false
        }
    }
}
