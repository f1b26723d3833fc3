internal import MMCore

/// The calls of Power Automate, Azure Resource Manager, the Power Platform's administration and SharePoint that administrators
/// ask for.
///
/// Sources: "Azure REST API reference", with a version of each provider's interface that is no preview; "SharePoint REST
/// service"; and the requests of the modules Microsoft.PowerApps.Administration.PowerShell and Microsoft.PowerApps.PowerShell,
/// which are all that describes the other two.
package enum ServiceCallTable {
    /// All calls. Of two that fit equally well the first is shown first.
    package static let calls: [ServiceCall] = {
        let lines = text.split(separator: "\n")
        return stride(from: 0, to: lines.count - 1, by: 2).compactMap { call(lines[$0], names: lines[$0 + 1]) }
    }()

    private static func call(_ line: Substring, names: Substring) -> ServiceCall? {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3, let service = RequestService(rawValue: words[0]) else { return nil }
        let phrases = names.split(separator: ";").map { stems(of: String($0)) }
        return ServiceCall(
            service: service, method: words[1], path: words[2], body: words.count > 3 ? words[3] : "", phrases: phrases)
    }

    /// The words of a question or a name that say something.
    static func stems(of text: String) -> [String] {
        let table = EndpointIndex.standard.words
        // What is turned on is another call than what is turned off.
        return WordForm.pieces(text).filter { ["on", "off"].contains($0) || !table.isStop($0) }.map(WordForm.stem)
    }

    /// A line with service, method, path and body, then one with what people call it; a blank line between two calls.
    private static let text = """
        flow GET /providers/Microsoft.ProcessSimple/scopes/admin/environments/{environment}/v2/flows
        flow; cloud flow; power automate; power automate flow; all flow; flow of everybody; flow owner

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows
        my flow; own flow; flow; power automate; power automate flow

        flow GET /providers/Microsoft.ProcessSimple/scopes/admin/environments
        flow environment; power automate environment; power automate; all environment

        flow GET /providers/Microsoft.ProcessSimple/environments
        flow environment; power automate environment; my environment

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs?$filter=status%20eq%20'Failed'
        flow fail; flow run fail; flow error; power automate fail; power automate run fail; power automate flow run fail

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs
        flow run; flow history; flow run history; power automate run; power automate run history; power automate flow run

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs/{run}
        one flow run; flow run detail; flow run error; why flow fail

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}
        one flow; flow definition; flow detail; flow step

        flow POST /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/start
        start flow; turn on flow; enable flow; start power automate flow

        flow POST /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/stop
        stop flow; turn off flow; disable flow; stop power automate flow

        flow POST /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs/{run}/cancel
        cancel flow run; stop flow run

        flow DELETE /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}
        delete flow; remove flow; delete power automate flow

        flow GET /providers/Microsoft.ProcessSimple/scopes/admin/environments/{environment}/flows/{flow}/permissions
        flow permission; who may run flow; share flow; flow share

        bap GET /providers/Microsoft.BusinessAppPlatform/scopes/admin/environments
        power platform environment; power app environment; power platform; dataverse environment

        bap GET /providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}
        one power platform environment; power platform environment detail

        bap POST /providers/Microsoft.BusinessAppPlatform/listTenantSettings {}
        power platform tenant setting; power platform setting; power app tenant setting

        powerApps GET /providers/Microsoft.PowerApps/scopes/admin/environments/{environment}/apps
        power app; all power app; canvas app

        powerApps GET /providers/Microsoft.PowerApps/scopes/admin/environments/{environment}/connections
        power app connection; power platform connection; flow connection; connector connection

        arm GET /subscriptions?api-version=2022-12-01
        azure subscription; azure; list azure subscription

        arm GET /tenants?api-version=2022-12-01
        azure tenant; azure directory

        arm GET /subscriptions/{subscription}/resourcegroups?api-version=2021-04-01
        resource group; azure resource group

        arm GET /subscriptions/{subscription}/resources?api-version=2021-04-01
        azure resource; all azure resource; resource of subscription

        arm POST /providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01 {"query":"Resources | summarize count() by type"}
        resource graph; query azure resource; search azure resource; count azure resource; azure inventory

        arm GET /subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01
        virtual machine; vm; azure virtual machine; azure vm; azure server

        arm GET /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/instanceView?api-version=2024-07-01
        vm state; vm run; virtual machine state; virtual machine run; vm status; virtual machine status

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/start?api-version=2024-07-01
        start vm; start virtual machine; start azure vm; turn on vm

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/deallocate?api-version=2024-07-01
        stop vm; stop virtual machine; stop azure vm; deallocate vm; shut down vm; turn off vm

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/restart?api-version=2024-07-01
        restart vm; restart virtual machine; reboot vm; reboot virtual machine

        arm GET /subscriptions/{subscription}/providers/Microsoft.Storage/storageAccounts?api-version=2023-05-01
        storage account; azure storage; azure storage account

        arm GET /subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults?api-version=2023-07-01
        key vault; azure key vault; vault

        arm GET /subscriptions/{subscription}/providers/Microsoft.Web/sites?api-version=2023-12-01
        web app; app service; function app; azure web app; azure function; azure app service

        arm GET /subscriptions/{subscription}/providers/Microsoft.Sql/servers?api-version=2021-11-01
        sql server; azure sql; sql database; azure sql server; azure sql database

        arm GET /subscriptions/{subscription}/providers/Microsoft.Network/virtualNetworks?api-version=2024-01-01
        virtual network; vnet; azure network; azure subnet

        arm GET /subscriptions/{subscription}/providers/Microsoft.Network/networkSecurityGroups?api-version=2024-01-01
        network security group; nsg; azure firewall rule; open port

        arm GET /subscriptions/{subscription}/providers/Microsoft.Network/publicIPAddresses?api-version=2024-01-01
        public ip; public ip address; azure ip address

        arm GET /subscriptions/{subscription}/providers/Microsoft.Logic/workflows?api-version=2016-06-01
        logic app; azure logic app

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01
        azure role assignment; rbac; azure role; azure permission; azure access; subscription role assignment; who has access subscription

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01
        azure role definition; rbac role; azure custom role

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/policyAssignments?api-version=2023-04-01
        azure policy; azure policy assignment

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/locks?api-version=2020-05-01
        resource lock; azure lock

        arm POST /subscriptions/{subscription}/providers/Microsoft.CostManagement/query?api-version=2023-11-01 {"type":"ActualCost","timeframe":"MonthToDate","dataset":{"granularity":"None","aggregation":{"total":{"name":"Cost","function":"Sum"}},"grouping":[{"type":"Dimension","name":"ServiceName"}]}}
        azure cost; azure spend; subscription cost; azure bill; cost by service; cloud cost

        arm GET /subscriptions/{subscription}/providers/Microsoft.Consumption/budgets?api-version=2023-05-01
        azure budget; subscription budget; budget

        arm GET /subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp%20ge%20'{since}'
        azure activity log; activity log; who delete azure resource; azure audit log; subscription activity

        arm GET /providers/Microsoft.Management/managementGroups?api-version=2020-05-01
        management group; azure management group

        sharePoint GET /sites/{site}/_api/web?$select=Title,Url,LastItemUserModifiedDate
        sharepoint web; sharepoint rest; sharepoint site property

        sharePoint GET /sites/{site}/_api/web/lists?$select=Title,Id,ItemCount,Hidden
        sharepoint rest list; sharepoint list item count; sharepoint library

        sharePoint GET /sites/{site}/_api/web/roleassignments?$expand=Member,RoleDefinitionBindings
        sharepoint permission; sharepoint site permission; sharepoint role assignment; who has access sharepoint site

        sharePoint GET /sites/{site}/_api/web/sitegroups?$expand=Users
        sharepoint group; sharepoint site group; sharepoint site owner; sharepoint site member

        sharePoint GET /sites/{site}/_api/web/siteusers
        sharepoint user; sharepoint site user; sharepoint site collection administrator

        sharePoint GET /sites/{site}/_api/web/recyclebin
        sharepoint recycle bin; site recycle bin

        sharePoint GET /_api/search/query?querytext='{words}'
        sharepoint search; search sharepoint; sharepoint search query
        """
}
