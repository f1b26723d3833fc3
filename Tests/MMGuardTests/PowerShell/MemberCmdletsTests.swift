import PowerShellSyntax
import Testing

@testable import MMGuard

@Suite("Groups that Exchange's cmdlets add members to")
struct MemberCmdletsTests {
    @Test(
        "are those that the text names, else others",
        arguments: [
            ("Add-DistributionGroupMember sales -Member ann", ["sales"], false),
            ("Add-DistributionGroupMember -Member ann -Identity 'All Staff'", ["All Staff"], false),
            ("add-distributiongroupmember -Iden:sales -Member ann", ["sales"], false),
            ("Add-DistributionGroupMember -Confirm:$false sales -Member ann", ["sales"], false),
            ("Add-DistributionGroupMember -BypassSecurityGroupManagerCheck sales -Member ann", ["sales"], false),
            (
                "Update-DistributionGroupMember sales -Members a, b; Add-DistributionGroupMember b x", ["sales", "b"],
                false
            ),
            ("ExchangeOnlineManagement\\Add-DistributionGroupMember sales -Member ann", ["sales"], false),
            ("Add-DistributionGroupMember $g -Member ann", [], true),
            ("'sales' | Add-DistributionGroupMember -Member ann", [], true),
            ("Add-DistributionGroupMember @p", [], true),
            ("Remove-DistributionGroupMember sales -Member ann; Get-DistributionGroupMember sales", [], false),
        ] as [(String, [String], Bool)])
    func groups(script: String, named: [String], others: Bool) {
        let groups = MemberCmdlets.groups(in: PowerShellParser.parse(script))
        #expect(groups.named == Set(named) && groups.hasOthers == others, "\(groups)")
    }
}
