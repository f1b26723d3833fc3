import MMCore
import Testing

@testable import MMOperations

@Suite("Addresses that the guard is asked about", .timeLimit(.minutes(5)))
struct ServiceAddressTests {
    @Test(
        "belong to the service at their host, or to the one whose paths begin so",
        arguments: [
            ("https://graph.microsoft.com/v1.0/me", RequestService.graph), ("/me", .graph),
            ("/subscriptions/x", .graph),
            ("https://management.azure.com/subscriptions?api-version=2020-01-01", .arm),
            ("/subscriptions/s/resourceGroups/r?api-version=2021-04-01", .arm),
            ("https://contoso.sharepoint.com/_api/web/lists", .sharePoint),
            ("https://contoso-admin.sharepoint.com/_api/site", .sharePoint), ("/_api/web", .sharePoint),
            ("https://Contoso.Vault.azure.net/secrets", .keyVault),
            ("https://contoso.blob.core.windows.net/c/b", .storage),
            ("https://contoso.crm4.dynamics.com/api/data/v9.2/accounts", .dataverse),
            ("https://login.microsoftonline.com/common/oauth2/v2.0/token", .signIn),
            ("https://outlook.office365.com/adminapi/beta/t/InvokeCommand", .exchange),
            ("/providers/Microsoft.ProcessSimple/environments", .flow), ("/me/drive/root:/_api/a.txt", .graph),
        ] as [(String, RequestService)])
    func services(address: String, service: RequestService) throws {
        #expect(try ServiceAddress(address).target.service == service)
    }

    @Test(
        "of no service that is known are refused with the hosts that are",
        arguments: [
            "https://evil.example/v1.0/me", "https://sharepoint.com.evil.example/_api",
            "http://graph.microsoft.com/v1.0/me",
            "https://a@graph.microsoft.com/v1.0/me", "https://sharepoint.com/_api/web",
        ])
    func foreign(address: String) {
        #expect(throws: MMError.self) { try ServiceAddress(address) }
    }
}
