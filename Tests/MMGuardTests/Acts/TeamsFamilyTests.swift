import MMCore
import TestSupport
import Testing

@testable import MMGuard

/// The cmdlets of Teams, whose requests no table lists: a question by default, plain only where a list says why.
@Suite("What cmdlets of Teams are for", .timeLimit(.minutes(5)))
struct TeamsFamilyTests {
    private static let engine = GuardEngine()
    private static let looks: Set<Substring> = ["Get", "Find", "Search", "Test", "Export", "Compare"]

    private static func verdict(_ script: String, isBehindWire: Bool = true) -> Verdict {
        engine.judge(
            script: script, in: ScriptContext(module: "teams", isBehindWire: isBehindWire), policy: .standard)
    }

    private static func changing() -> [String] {
        let table = CmdletTable()
        return (0..<table.count).lazy.map(table.entry).filter { $0.product == .teams }.map(\.name)
            .filter { !looks.contains($0.prefix { $0 != "-" }) }
    }

    @Test("a cmdlet that changes something is asked about, unless the list says that it is plain")
    func listed() throws {
        var rows = try Fixture.lines("guard/teams-plain.txt").map { line in
            let words = line.split(separator: " ")
            try #require(words.count == 2, "\(line)")
            return (pattern: words[0].split(separator: "*", omittingEmptySubsequences: false), word: words[1], uses: 0)
        }
        let names = Self.changing()
        #expect(names.count > 350)
        for name in names {
            for isBehindWire in [false, true] {
                let verdict = Self.verdict(name, isBehindWire: isBehindWire)
                guard verdict.decision == .allow else { continue }
                let row = rows.firstIndex { row in
                    let (first, last) = (row.pattern[0], row.pattern[row.pattern.count - 1])
                    return row.pattern.count == 1 ? name == first : name.hasPrefix(first) && name.hasSuffix(last)
                }
                let word = "\(verdict.decision.rawValue)/\(verdict.guardClass.rawValue)"
                #expect(row.map { rows[$0].word == word } == true, "\(name): \(word)")
                if let row { rows[row].uses += 1 }
            }
        }
        #expect(rows.allSatisfy { $0.uses > 0 }, "\(rows.filter { $0.uses == 0 }.map(\.pattern))")
    }

    @Test("a policy for a group or for everybody is a change of privileges")
    func granted() throws {
        var asked = 0
        let names = Self.changing().filter { $0.hasPrefix("Grant-Cs") }
        #expect(names.count > 40)
        let table = CmdletTable()
        for name in names {
            let entry = try #require(table.entries(named: name).first { $0.product == .teams })
            let known = try #require(table.parameters(of: entry), "\(name)")
            for (parameter, script) in [("Global", "\(name) -Global x"), ("Group", "\(name) -Group g -Rank 1 x")]
            where known.contains(where: { $0.isNamed(parameter.lowercased()) }) {
                let verdict = Self.verdict(script)
                #expect(verdict.decision == .ask && verdict.guardClass == .privilege, "\(script)")
                asked += 1
            }
        }
        #expect(asked > 60)
    }

    @Test(
        "what opens Teams to others, records people or decides where calls go is asked about",
        arguments: [
            "Set-CsTenantFederationConfiguration -AllowFederatedUsers $true",
            "Set-CsExternalAccessPolicy -Identity Global -EnableTeamsConsumerAccess $true",
            "Set-CsTeamsMeetingPolicy -Identity Global -AllowAnonymousUsersToJoinMeeting $true",
            "Set-CsTeamsMeetingConfiguration -DisableAnonymousJoin $false",
            "Set-CsTeamsClientConfiguration -AllowGuestUser $true",
            "Set-Team -GroupId g -AllowGuestCreateUpdateChannels $true",
            "Set-Team -GroupId g -Visibility Public", "New-Team -DisplayName x -Owner ann",
            "Grant-CsTeamsComplianceRecordingPolicy -Identity ann -PolicyName $null",
            "Set-CsPersonalAttendantSettings -Identity ann -IsAutomaticRecordingEnabled $true",
            "Set-CsUserCallingSettings -Identity ann -IsForwardingEnabled $true -ForwardingTarget +15550199",
            "Set-CsOnlineVoicemailUserSettings -Identity ann -TransferTarget +15550199",
            "Set-CsPhoneNumberAssignment -Identity ann -PhoneNumber +15550100 -PhoneNumberType DirectRouting",
            "New-CsOnlinePSTNGateway -Fqdn sbc.contoso.example -SipSignalingPort 5061",
            "New-CsBatchPolicyAssignmentOperation -PolicyType TeamsMeetingPolicy -PolicyName x -Identity $all",
            "New-CsGroupPolicyAssignment -GroupId g -PolicyType TeamsMeetingPolicy -PolicyName x -Rank 1",
            "Grant-CsGroupPolicyPackageAssignment -GroupId g -PackageName x",
        ])
    func opened(_ script: String) {
        #expect(Self.verdict(script).decision == .ask, "\(script)")
    }
}
