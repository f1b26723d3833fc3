internal import MMCore

/// What is left of the guard's findings for a script whose session is confined and reaches the network through the wire.
///
/// There a script's text needn't prove what it does: what it sends is judged when it is sent, and what it does to the machine
/// ends at the walls. The text still tells what is meant, so what it says plainly is asked for before anything starts.
package enum BehindWire {
    /// Who stops what a construct could hide.
    package enum Keeper: Sendable {
        /// The judge of requests: whatever runs there can only send.
        case wire
        /// The walls around the session: its files, programs and variables are its own, and its tokens are none.
        case walls
    }

    /// A finding as it counts there; nil where it is no reason to ask.
    /// - Parameter isDryRun: whether all that changes something is held back at the wire.
    static func kept(_ finding: GuardFinding, _ cmdlets: CmdletTable, isDryRun: Bool = false) -> GuardFinding? {
        if isDryRun, finding.rule == "unknown-command" { return nil }
        let isPlainChange = finding.kind == .unknown && says(finding, cmdlets)
        guard isPlainChange || keeper(of: finding, cmdlets) == nil else { return nil }
        var finding = finding
        if finding.kind == .unknown { finding.kind = .classified }
        return finding
    }

    /// Who stops what a finding is about; nil where the text is still asked about.
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

    /// Whether the name of a command says that it changes something, though no table says what. Programs have no verb.
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
    /// Who stops what a finding is about in a session that is confined behind the wire; nil where its text is still asked
    /// about.
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
