import MMCore
import Testing

@testable import MMOperations

@Suite("Members of security-enabled groups", .timeLimit(.minutes(10)))
struct SecurityGroupTests {
    /// What a person is shown for a script.
    private func shown(for script: String, in tenant: ChangesHome) async throws -> String {
        let before = tenant.person.pages.count
        try await tenant.run(script)
        return tenant.person.pages.dropFirst(before).joined(separator: "\n")
    }

    @Test("are asked about where the group is one, or nobody can tell; those of a plain list are a plain write")
    func scripts() async throws {
        let tenant = try await ChangesHome(users: 12)
        try await tenant.run(
            "New-DistributionGroup -Name Choir; New-DistributionGroup -Name Solo; New-DistributionGroup -Name Vault -Type Security"
        )
        #expect(try await tenant.run("(Get-DistributionGroup Vault).GroupType").array == ["Universal, SecurityEnabled"])
        #expect(try await shown(for: "Add-DistributionGroupMember Choir -Member lena.vogt", in: tenant).isEmpty)
        let asked = try await shown(for: "Add-DistributionGroupMember -Member lena.vogt -Identity Vault", in: tenant)
        #expect(asked.contains("security-enabled"), "\(asked)")
        let both = try await shown(
            for:
                "Add-DistributionGroupMember Choir -Member admin; Add-DistributionGroupMember Vault -Member admin",
            in: tenant)
        #expect(both.contains("Vault") && both.contains("security-enabled"), "\(both)")
        let hidden = try await shown(
            for: "$name = 'Solo'; Add-DistributionGroupMember $name -Member lena.vogt", in: tenant)
        #expect(hidden.contains("is unknown"), "\(hidden)")
        // A group that isn't there gets no members: nobody is asked.
        let before = tenant.person.pages.count
        await #expect(throws: MMError.self) { try await tenant.run("Add-DistributionGroupMember Nobody -Member admin") }
        #expect(tenant.person.pages.count == before)
        await tenant.stop()
    }

    @Test("are asked about where an undo brings them back")
    func undo() async throws {
        let tenant = try await ChangesHome(users: 12)
        for (name, type) in [("Choir", "Distribution"), ("Vault", "Security")] {
            try await tenant.run("New-DistributionGroup -Name \(name) -Type \(type) -Members admin")
            try await tenant.run("Remove-DistributionGroupMember \(name) -Member admin")
            let entry = try #require(try await tenant.newest())
            let before = tenant.person.pages.count
            let answer = ChangesHome.value(try await tenant.call("undo", ["id": .string(entry.id)]))
            #expect(answer[0]?["result"] == "undone", "\(answer)")
            let shown = tenant.person.pages.dropFirst(before).joined(separator: "\n")
            #expect(shown.contains("security-enabled") == (name == "Vault"), "\(name): \(shown)")
        }
        await tenant.stop()
    }
}
