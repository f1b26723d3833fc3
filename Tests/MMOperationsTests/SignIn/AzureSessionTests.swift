import MMCore
import Testing

@testable import MMOperations

@Suite("Azure's sessions as administrators use them", .timeLimit(.minutes(10)))
struct AzureSessionTests {
    private static func text(_ outcome: SignInHome.Outcome) -> String {
        switch outcome {
        case .answered(let answer): "\(answer.body) \(answer.notes)"
        case .failed(let error): "\(error.message) \(error.hint ?? "")"
        }
    }

    @Test(
        "a subscription of the sign-in is chosen in a script; the sign-in itself is not",
        arguments: [
            ("Set-AzContext -Subscription 'Contoso Sandbox Test'; (Get-AzContext).Subscription.Name", true),
            (
                "Select-AzSubscription -SubscriptionName 'Contoso Sandbox Test' | Out-Null; (Get-AzContext).Subscription.Id",
                true
            ),
            ("Set-AzContext -Tenant other.example", false), ("Set-AzContext -Subscription x -Tenant y", false),
            ("Connect-AzAccount -Tenant other.example", false),
        ])
    func subscription(script: String, isAllowed: Bool) async throws {
        let home = try await SignInHome()
        try await home.login()
        let ran = await home.run("azure", on: "Demo", script)
        #expect(ran.isAnswered == isAllowed, "\(ran)")
        if isAllowed {
            #expect(
                Self.text(ran).contains(script.hasSuffix("Id") ? "5a4db0c5-5ab5" : "Contoso Sandbox Test"), "\(ran)")
            if case .answered(let answer) = ran { #expect(answer.exitStatus == 0, "\(answer)") }
        } else {
            #expect(ran.error?.code == .denied, "\(ran)")
        }
        await home.stop()
    }

    @Test("a connection that only reads uses the cmdlets of every installed module, on the subscription that it names")
    func reading() async throws {
        let home = try await SignInHome()
        try await home.login("Looking")
        let groups = await home.run("azure", on: "Looking", "Get-AzResourceGroup")
        #expect(groups.isAnswered && Self.text(groups).contains("rg-web"), "\(groups)")
        let context = await home.run("azure", on: "Looking", "(Get-AzContext).Subscription.Name")
        #expect(Self.text(context).contains("Contoso Sandbox Test"), "\(context)")
        await home.stop()
    }

    @Test("a subscription that the sign-in can't reach is named with what to change, and no code is asked for")
    func unreachable() async throws {
        let home = try await SignInHome()
        try await home.login("Astray")
        let ran = await home.run("azure", on: "Astray", "Get-AzResourceGroup")
        #expect(ran.error?.code == .remoteFailed, "\(ran)")
        #expect(ran.error?.details["userCode"] == nil, "\(ran)")
        #expect(Self.text(ran).contains("Fabrikam Production"), "\(ran)")
        #expect(Self.text(ran).contains("mm connections edit CONNECTION subscription="), "\(ran)")
        await home.stop()
    }

    @Test("without a choice the first subscription of the sign-in is the one that counts")
    func first() async throws {
        let home = try await SignInHome()
        try await home.login()
        let context = await home.run("azure", on: "Demo", "(Get-AzContext).Subscription.Name")
        #expect(Self.text(context).contains("Contoso Sandbox Test"), "\(context)")
        await home.stop()
    }

    @Test("a vault's names are read with the token of vaults; a secret's value is asked for by a person")
    func vaults() async throws {
        let home = try await SignInHome()
        try await home.login()
        let vaults = await home.run("azure", on: "Demo", "Get-AzKeyVault | ForEach-Object VaultName")
        #expect(vaults.isAnswered && Self.text(vaults).contains("kvweb"), "\(vaults)")
        let names = await home.run("azure", on: "Demo", "Get-AzKeyVaultSecret -VaultName kvweb | ForEach-Object Name")
        #expect(names.isAnswered && Self.text(names).contains("smtp-relay"), "\(names)")
        let one = await home.run("azure", on: "Demo", "Get-AzKeyVaultSecret kvweb smtp-relay")
        #expect(one.error?.code == .confirmationNeeded, "\(one)")
        await home.stop()
    }

    @Test("a cmdlet for the content of storage says why it has no token, and what works in its place")
    func storage() async throws {
        let home = try await SignInHome()
        try await home.login()
        let ran = await home.run(
            "azure", on: "Demo",
            "New-AzStorageContext -StorageAccountName stweb -UseConnectedAccount | Get-AzStorageContainer")
        #expect(Self.text(ran).contains("failed to retrieve access token"), "\(ran)")
        #expect(Self.text(ran).contains("Get-AzRmStorageContainer"), "\(ran)")
        await home.stop()
    }

    @Test("a cmdlet of an Azure module that isn't installed names the module, and how to install it")
    func lacking() async throws {
        let home = try await SignInHome()
        try await home.login()
        let ran = await home.run("azure", on: "Demo", "Get-AzVM")
        #expect(Self.text(ran).contains("Install-PSResource -Name Az.Compute"), "\(ran)")
        #expect(Self.text(ran).contains("is not recognized"), "\(ran)")
        await home.stop()
    }
}
