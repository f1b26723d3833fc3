import MMCore
import MMIdentity
import Testing

@testable import MMOperations

@Suite("An app without consent for a service")
struct ConsentAdviceTests {
    @Test(
        "is named with the service, its permissions and the command that adds them",
        arguments: [
            (.flow, "Microsoft Flow Service (Flows.Read.All, Flows.Manage.All, User)", "flow"),
            (.arm, "Azure Service Management (user_impersonation)", "azure"),
            (.sharePoint("contoso"), "SharePoint (AllSites.FullControl)", "sharepoint"),
            (.exchange, "Office 365 Exchange Online (Exchange.Manage)", "exchange"),
            (.powerApps, "PowerApps Service (User)", "powerplatform"), (.graph, "Microsoft Graph", "graph"),
        ] as [(ServiceResource, String, String)])
    func explained(resource: ServiceResource, service: String, use: String) {
        let error = MMError(.forbidden, "Renewing the sign-in of Contoso failed: Consent missing.", hint: "Ask.")
        let told = ConsentAdvice.explained(error, resource, of: "Contoso")
        #expect(told.message == "The app of Contoso has no consent for \(service). \(error.message)")
        #expect(told.hint?.contains("mm connect --name Contoso --uses \(use).") == true)
        #expect(told.details["resource"]?.string == resource.name)
    }

    @Test("keeps the hint where no use needs the service, and the link of a caller's app")
    func kept() {
        let error = MMError(.forbidden, "No.", hint: "Ask.")
        #expect(ConsentAdvice.explained(error, .keyVault, of: "Contoso").hint == "Ask.")
        let linked = MMError(.forbidden, "No.", hint: "At https://x", details: ["consentUrl": "https://x"])
        #expect(ConsentAdvice.explained(linked, .flow, of: "Contoso").hint == "At https://x")
    }
}
