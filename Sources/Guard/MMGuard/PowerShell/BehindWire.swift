internal import MMCore

/// The findings that still matter for a script whose session is confined and can only reach the network through the
/// proxy.
///
/// A script's text needn't prove what it does there: what it sends is judged when it is sent, and its effects on the
/// machine end at the confinement. The text still shows the intention, so what it states plainly requires confirmation
/// before anything starts.
package enum BehindWire {
    /// What stops the effects that a construct could hide.
    package enum Keeper: Sendable {
        /// The judge of requests: whatever runs there can only send requests.
        case wire
        /// The confinement of the session: its files, programs and variables are its own, and it has no tokens.
        case walls
    }

    /// Returns a finding as it counts there; `nil` if it requires no confirmation.
    /// - Parameters:
    ///   - isDryRun: whether everything that changes something is held back at the proxy.
    ///   - isNative: whether no PowerShell runs it, so that its own commands reach nothing but the run itself.
    static func kept(
        _ finding: GuardFinding, _ cmdlets: CmdletTable, isDryRun: Bool = false, isNative: Bool = false
    ) -> GuardFinding? {
        if isNative, isOfRun(finding) { return nil }
        if isDryRun, finding.rule == "unknown-command" { return nil }
        let isPlainChange = finding.kind == .unknown && says(finding, cmdlets)
        guard isPlainChange || keeper(of: finding, cmdlets) == nil else { return nil }
        var finding = finding
        if finding.kind == .unknown { finding.kind = .classified }
        return finding
    }

    /// Returns what stops the effects that a finding is about; `nil` if the text still requires confirmation.
    static func keeper(of finding: GuardFinding, _ cmdlets: CmdletTable) -> Keeper? {
        switch finding.kind {
        case .dynamic where finding.rule == "tainted-session": return .wire
        case .dynamic: return ConstructRule(rawValue: finding.rule)?.keeper
        case .unknown where finding.rule == "session-name": return .wire
        case .unknown:
            return finding.classes == .write ? .wire : nil
        case .classified where finding.rule == "cmdlet" && !finding.classes.contains(.send):
            let entries = cmdlets.entries(named: finding.subject ?? "")
            guard !entries.isEmpty, entries.allSatisfy({ $0.product == .builtin }) else { return nil }
            return finding.classes.contains(.external) ? .wire : .walls
        default: return nil
        }
    }

    /// Commands of PowerShell's own that the native engine carries out within the run.
    private static let ofRun: Set<String> = [
        "read-host", "set-variable", "new-variable", "remove-variable", "clear-variable", "export-csv", "out-file",
        "set-content", "add-content", "new-item", "remove-item", "import-csv", "get-content", "test-path",
        "invoke-item", "start-process", "out-gridview", "start-transcript", "stop-transcript", "set-location",
        "set-executionpolicy", "set-strictmode", "get-credential", "clear-host", "tee-object", "start-sleep",
        "convertto-securestring", "get-pssession", "remove-pssession", "select-mgprofile", "convertfrom-stringdata",
        "write-progress", "add-type", "get-variable", "get-childitem", "get-item", "import-module",
    ]

    private static func isOfRun(_ finding: GuardFinding) -> Bool {
        // The engine holds no tokens: a property that keeps one elsewhere is here a name in what a service answered.
        finding.rule == ConstructRule.secretProperty.rawValue
            || finding.kind != .blocked && ofRun.contains((finding.subject ?? "").asciiLowercased)
    }

    /// Returns whether the name of a command shows that it changes something, although no table knows it. Programs have
    /// no verb.
    private static func says(_ finding: GuardFinding, _ cmdlets: CmdletTable) -> Bool {
        if finding.rule == "unproven-command" { return true }
        guard finding.rule == "unknown-command", let name = finding.subject, let dash = name.firstIndex(of: "-") else {
            return finding.classes != .write
        }
        return finding.classes != .write
            || cmdlets.classOfVerb(name[..<dash].asciiLowercased).map { $0 != .read } ?? false
    }
}

extension GuardEngine {
    /// Returns what stops the effects that a finding is about in a session that is confined behind the proxy; `nil` if
    /// its text still requires confirmation.
    package func keeperBehindWire(of finding: GuardFinding) -> BehindWire.Keeper? {
        BehindWire.keeper(of: finding, tables.cmdlets)
    }
}

extension ConstructRule {
    /// Who stops what this construct could hide, in a session that is confined behind the wire; nil where the text is still
    /// asked about: nobody could read it, or it means another sign-in or way to the network.
    var keeper: BehindWire.Keeper? {
        switch self {
        case .unparsed, .tooLong, .tooDeep, .hiddenCharacters, .parameterName, .networkParameter, .otherSession,
            .secretProperty:
            nil
        case .dynamicName, .callBlock, .scopedName, .wildcardName, .foreignModule, .outsideCommand, .verbatim,
            .functionDefinition, .typeDefinition, .trap, .dataSection, .namedBlock, .parameterBlock, .usingStatement,
            .requires, .backgroundJob, .splat, .usingVariable, .scriptBlock, .computedMember, .methodCall,
            .staticMember, .typeName, .attribute, .operatorUse, .hashKey, .unknownParameter, .jobParameter, .memberForm,
            .filterArgument, .moduleSwitch, .requestAddress, .switchStatement, .catchType:
            .wire
        case .scriptFile, .exitStatement, .jump, .loop, .variableTarget, .automaticVariable, .driveVariable,
            .scopedVariable, .redirection, .localPath, .variableParameter, .preferenceValue:
            .walls
        }
    }
}
