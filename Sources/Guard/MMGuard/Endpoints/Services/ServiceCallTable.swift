package import MMCore

/// The calls of Power Automate, Azure Resource Manager, the Power Platform's administration and SharePoint that
/// administrators ask for.
///
/// Sources: "Azure REST API reference", with the latest version of each provider's API that is not a preview;
/// "SharePoint REST service"; and, for the other two, the requests of the modules
/// Microsoft.PowerApps.Administration.PowerShell and Microsoft.PowerApps.PowerShell, because there is no other
/// description.
package enum ServiceCallTable {
    /// All calls. Of two that match equally well, the first one wins.
    package static let calls: [ServiceCall] = {
        var call: [TableLines.Bytes]?
        return TableLines.read(text) { line in
            guard let words = call else {
                call = line.split(separator: 0x20, maxSplits: 3)
                return nil
            }
            call = nil
            return Self.call(words.map(TableLines.text), names: line)
        }
    }()

    private static func call(_ words: [String], names: TableLines.Bytes) -> ServiceCall? {
        guard words.count >= 3, let service = RequestService(rawValue: words[0]) else { return nil }
        let phrases = TableLines.parts(of: names, at: ";").map { $0.split(separator: 0x20).map(TableLines.text) }
        return ServiceCall(
            service: service, method: words[1], path: words[2], body: words.count > 3 ? words[3] : "", phrases: phrases)
    }

    /// Returns the meaningful words of a question or a name.
    static func stems(of text: String) -> [String] {
        let table = EndpointIndex.standard.words
        // "on" and "off" are kept: turning something on is another call than turning it off.
        return WordForm.pieces(text).filter { ["on", "off"].contains($0) || !table.isStop($0) }.map(WordForm.stem)
    }

    /// For each call one line with service, method, path and body, and one with its names, followed by a blank line.
    /// The names are stored as `stems(of:)` returns them: stemming all words at first use would take longer than the
    /// rest of a search.
    private static let text = """
        flow GET /providers/Microsoft.ProcessSimple/scopes/admin/environments/{environment}/v2/flows
        flow; cloud flow; power automat; power automat flow; flow everybodi; flow owner

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows
        flow; own flow; power automat; power automat flow

        flow GET /providers/Microsoft.ProcessSimple/scopes/admin/environments
        flow environment; power automat environment; power automat; environment

        flow GET /providers/Microsoft.ProcessSimple/environments
        flow environment; power automat environment; environment

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs?$filter=status%20eq%20'Failed'
        flow fail; flow run fail; flow error; power automat fail; power automat run fail; power automat flow run fail

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs
        flow run; flow histori; flow run histori; power automat run; power automat run histori; power automat flow run

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs/{run}
        one flow run; flow run detail; flow run error; flow fail

        flow GET /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}
        one flow; flow definition; flow detail; flow step

        flow POST /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/start
        start flow; turn on flow; enabl flow; start power automat flow

        flow POST /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/stop
        stop flow; turn off flow; disabl flow; stop power automat flow

        flow POST /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/runs/{run}/cancel
        cancel flow run; stop flow run

        flow DELETE /providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}
        delet flow; remov flow; delet power automat flow

        flow GET /providers/Microsoft.ProcessSimple/scopes/admin/environments/{environment}/flows/{flow}/permissions
        flow permission; may run flow; shar flow; flow shar

        bap GET /providers/Microsoft.BusinessAppPlatform/scopes/admin/environments
        power platform environment; power app environment; power platform; datavers environment

        bap GET /providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}
        one power platform environment; power platform environment detail

        bap POST /providers/Microsoft.BusinessAppPlatform/listTenantSettings {}
        power platform tenant sett; power platform sett; power app tenant sett

        powerApps GET /providers/Microsoft.PowerApps/scopes/admin/environments/{environment}/apps
        power app; canva app

        powerApps GET /providers/Microsoft.PowerApps/scopes/admin/environments/{environment}/connections
        power app connection; power platform connection; flow connection; connector connection

        arm GET /subscriptions?api-version=2022-12-01
        azur subscription; azur

        arm GET /tenants?api-version=2022-12-01
        azur tenant; azur directori

        arm GET /subscriptions/{subscription}/resourcegroups?api-version=2021-04-01
        resourc group; azur resourc group

        arm GET /subscriptions/{subscription}/resources?api-version=2021-04-01
        azur resourc; resourc subscription

        arm POST /providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01 {"query":"Resources | summarize count() by type"}
        resourc; azur resourc; search azur resourc; count azur resourc; azur inventori

        arm GET /subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01
        virtual machin; vm; azur virtual machin; azur vm; azur server

        arm GET /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/instanceView?api-version=2024-07-01
        vm stat; vm run; virtual machin stat; virtual machin run; vm status; virtual machin status

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/start?api-version=2024-07-01
        start vm; start virtual machin; start azur vm; turn on vm

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/deallocate?api-version=2024-07-01
        stop vm; stop virtual machin; stop azur vm; deallocat vm; shut down vm; turn off vm

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}/restart?api-version=2024-07-01
        restart vm; restart virtual machin; reboot vm; reboot virtual machin

        arm GET /subscriptions/{subscription}/providers/Microsoft.Storage/storageAccounts?api-version=2023-05-01
        storag account; azur storag; azur storag account

        arm GET /subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults?api-version=2023-07-01
        key vault; azur key vault; vault

        arm GET /subscriptions/{subscription}/providers/Microsoft.Web/sites?api-version=2023-12-01
        web app; app servic; function app; azur web app; azur function; azur app servic

        arm GET /subscriptions/{subscription}/providers/Microsoft.Sql/servers?api-version=2021-11-01
        sql server; azur sql; sql databas; azur sql server; azur sql databas

        arm GET /subscriptions/{subscription}/providers/Microsoft.Network/virtualNetworks?api-version=2024-01-01
        virtual network; vnet; azur network; azur subnet

        arm GET /subscriptions/{subscription}/providers/Microsoft.Network/networkSecurityGroups?api-version=2024-01-01
        network securiti group; nsg; azur firewall rul; open port

        arm GET /subscriptions/{subscription}/providers/Microsoft.Network/publicIPAddresses?api-version=2024-01-01
        public ip; public ip address; azur ip address

        arm GET /subscriptions/{subscription}/providers/Microsoft.Logic/workflows?api-version=2016-06-01
        logic app; azur logic app

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01
        azur rol assignment; rbac; azur rol; azur permission; azur access; subscription rol assignment; access subscription

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01
        azur rol definition; rbac rol; azur custom rol

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/policyAssignments?api-version=2023-04-01
        azur polici; azur polici assignment

        arm GET /subscriptions/{subscription}/providers/Microsoft.Authorization/locks?api-version=2020-05-01
        resourc lock; azur lock

        arm POST /subscriptions/{subscription}/providers/Microsoft.CostManagement/query?api-version=2023-11-01 {"type":"ActualCost","timeframe":"MonthToDate","dataset":{"granularity":"None","aggregation":{"total":{"name":"Cost","function":"Sum"}},"grouping":[{"type":"Dimension","name":"ServiceName"}]}}
        azur cost; azur spend; subscription cost; azur bill; cost servic; cloud cost

        arm GET /subscriptions/{subscription}/providers/Microsoft.Consumption/budgets?api-version=2023-05-01
        azur budget; subscription budget; budget

        arm GET /subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp%20ge%20'{since}'
        azur activiti log; activiti log; delet azur resourc; azur audit log; subscription activiti

        arm GET /subscriptions/{subscription}/providers/Microsoft.OperationalInsights/workspaces?api-version=2023-09-01
        log analytic workspac; log workspac; sentinel workspac; azur monitor workspac

        arm POST /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/{workspace}/query?api-version=2017-10-01 {"query":"SigninLogs | where TimeGenerated > ago(1d) | summarize count() by ResultType"}
        log analytic; kql; kusto; sentinel log

        arm GET /providers/Microsoft.Management/managementGroups?api-version=2020-05-01
        management group; azur management group

        sharePoint GET /sites/{site}/_api/web?$select=Title,Url,LastItemUserModifiedDate
        sharepoint web; sharepoint rest; sharepoint sit properti

        sharePoint GET /sites/{site}/_api/web/lists?$select=Title,Id,ItemCount,Hidden
        sharepoint rest; sharepoint item count; sharepoint librari

        sharePoint GET /sites/{site}/_api/web/roleassignments?$expand=Member,RoleDefinitionBindings
        sharepoint permission; sharepoint sit permission; sharepoint rol assignment; access sharepoint sit

        sharePoint GET /sites/{site}/_api/web/sitegroups?$expand=Users
        sharepoint group; sharepoint sit group; sharepoint sit owner; sharepoint sit member

        sharePoint GET /sites/{site}/_api/web/siteusers
        sharepoint user; sharepoint sit user; sharepoint sit collection administrator

        sharePoint GET /sites/{site}/_api/web/recyclebin
        sharepoint recycl bin; sit recycl bin

        sharePoint GET /_api/search/query?querytext='{words}'
        sharepoint search; search sharepoint
        """
}

/// A call of a service other than Microsoft Graph, with everything that its address needs.
package struct ServiceCall: Sendable, Hashable {
    /// The service.
    package let service: RequestService
    /// The method.
    package let method: String
    /// The path and query; names in braces stand for the caller's values.
    package let path: String
    /// The body of an example; empty if there is none.
    package let body: String
    /// The names by which people ask for it, each as the stems of its words.
    let phrases: [[String]]
}

/// Finds the calls of services other than Microsoft Graph that match a question.
///
/// A call matches if the question contains all words of one of its names: words such as flow, vault or subscription
/// mean these services. All other questions are left to `EndpointSearch`.
package struct ServiceSearch: Sendable {
    private let words = EndpointIndex.standard.words

    /// A call that was found, with how well it fits.
    package struct Hit: Sendable {
        /// The call.
        package let call: ServiceCall
        /// The share of the question that it answers; 1 for all of it.
        package let score: Float
    }

    /// Creates a search.
    package init() {}

    /// Returns the calls that match best, best first.
    /// - Parameters:
    ///   - question: words, in any case.
    ///   - limit: the maximum number of calls.
    ///   - method: only calls with this method.
    ///   - services: only calls of these services; their calls that don't match the question then follow behind the
    ///     others.
    package func find(
        _ question: String, limit: Int, method: String? = nil, among services: [RequestService]? = nil
    ) -> [Hit] {
        var weights: [String: Float] = [:]
        var total: Float = 0
        for stem in ServiceCallTable.stems(of: question) where weights[stem] == nil {
            // Words that can be verbs count little in a question.
            let weight: Float = words.isVerb(stem) ? 0.3 : 1
            weights[stem] = weight
            total += weight
        }
        guard total > 0 else { return [] }
        let method = method?.uppercased()
        // A given method replaces the verb of the question, except GET, which stands for no particular verb.
        let said = method == "GET" ? nil : EndpointIndex.methods.first { $0.name == method }?.bit
        func isAsked(_ word: String) -> Bool {
            weights[word] != nil || said != nil && words.row(of: word).map(words.method) == said
        }
        var hits: [Hit] = []
        for call in ServiceCallTable.calls {
            guard method == nil || method == call.method, services?.contains(call.service) ?? true else { continue }
            var score: Float = 0
            for name in call.phrases {
                let shared = name.filter(isAsked)
                let covered = shared.reduce(0) { $0 + weights[$1, default: 0] } / total
                // If the service is given, a part of a name suffices.
                score = max(score, shared.count == name.count ? covered : services == nil ? 0 : covered / 2)
            }
            if score > 0 || services != nil { hits.append(Hit(call: call, score: score)) }
        }
        let sorted = hits.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        return sorted.prefix(limit).map(\.element)
    }
}
