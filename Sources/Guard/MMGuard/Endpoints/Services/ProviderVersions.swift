internal import MMCore

/// The known API versions of Azure's resource providers. Every request to Azure has to name one.
package enum ProviderVersions {
    private struct Row {
        let steps: [String]
        let version: String
    }

    private static let rows: [Row] = ServiceCallTable.calls.compactMap { call in
        guard call.service == .arm, let mark = call.path.firstIndex(of: "?") else { return nil }
        let name = "api-version="
        guard
            let item = call.path[call.path.index(after: mark)...].split(separator: "&").first(where: {
                $0.hasPrefix(name)
            })
        else { return nil }
        return Row(steps: steps(of: call.path[..<mark]), version: String(item.dropFirst(name.count)))
    }

    private static func steps(of path: Substring) -> [String] {
        path.lowercased().split(separator: "/").map(String.init)
    }

    /// Returns the version for a path of Azure Resource Manager; `nil` if none is known.
    package static func version(for path: String) -> String? {
        let asked = steps(of: path.prefix { $0 != "?" })
        if let exact = rows.first(where: { fits($0.steps, asked) }) { return exact.version }
        // Resources below or beside a known one of the same provider and kind have its version.
        guard let kind = kind(of: asked) else {
            // Subscriptions, resource groups and the paths in them belong to Azure Resource Manager itself.
            return asked.first == "subscriptions"
                ? rows.first { $0.steps == ["subscriptions", "{subscription}", "resourcegroups"] }?.version : nil
        }
        if let same = rows.first(where: { self.kind(of: $0.steps) == kind }) { return same.version }
        return documented[kind]
    }

    /// The documented versions of further kinds that administrators ask for, by provider and kind.
    private static let documented: [[String]: String] = {
        var versions: [[String]: String] = [:]
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            for kind in words.dropFirst(2) { versions[["microsoft." + words[0], kind]] = words[1] }
        }
        return versions
    }()

    /// Provider, version, and the kinds that have it.
    private static let lines = """
        aadiam 2017-04-01 diagnosticsettings
        advisor 2023-01-01 recommendations suppressions configurations
        apimanagement 2022-08-01 service
        app 2023-05-01 containerapps managedenvironments jobs
        appconfiguration 2023-03-01 configurationstores
        authorization 2017-05-01 elevateaccess
        authorization 2020-10-01 roleassignmentscheduleinstances roleassignmentschedulerequests roleassignmentschedules
        authorization 2020-10-01 roleeligibilityscheduleinstances roleeligibilityschedulerequests
        authorization 2020-10-01 roleeligibilityschedules rolemanagementpolicies rolemanagementpolicyassignments
        authorization 2022-04-01 denyassignments permissions
        authorization 2022-07-01-preview policyexemptions
        authorization 2023-04-01 policydefinitions policysetdefinitions
        automation 2023-11-01 automationaccounts
        batch 2023-05-01 batchaccounts
        billing 2020-05-01 billingaccounts
        cache 2023-08-01 redis
        capacity 2022-11-01 reservationorders reservations
        cdn 2023-05-01 profiles
        cognitiveservices 2023-05-01 accounts
        compute 2021-07-01 skus
        compute 2022-08-03 galleries
        compute 2023-04-02 disks snapshots diskencryptionsets diskaccesses
        compute 2023-09-01 availabilitysets images locations proximityplacementgroups virtualmachinescalesets
        consumption 2023-05-01 marketplaces reservationdetails reservationsummaries usagedetails
        containerinstance 2023-05-01 containergroups
        containerregistry 2023-07-01 registries
        containerservice 2023-10-01 managedclusters
        costmanagement 2023-03-01 alerts dimensions exports forecast views
        databricks 2023-02-01 workspaces
        datafactory 2018-06-01 factories
        dataprotection 2023-05-01 backupvaults
        dbformysql 2023-06-30 flexibleservers
        dbforpostgresql 2022-12-01 flexibleservers
        desktopvirtualization 2022-09-09 applicationgroups hostpools scalingplans workspaces
        devices 2021-07-02 iothubs
        devtestlab 2018-09-15 labs schedules
        documentdb 2023-11-15 databaseaccounts
        eventgrid 2022-06-15 domains eventsubscriptions systemtopics topics
        eventhub 2021-11-01 namespaces
        guestconfiguration 2022-01-25 guestconfigurationassignments
        hybridcompute 2022-12-27 machines
        insights 2016-03-01 logprofiles
        insights 2018-01-01 metricdefinitions metrics
        insights 2018-03-01 metricalerts
        insights 2020-02-02 components
        insights 2020-10-01 activitylogalerts
        insights 2021-05-01-preview diagnosticsettings diagnosticsettingscategories
        insights 2021-08-01 scheduledqueryrules
        insights 2022-04-01 workbooks
        insights 2022-06-01 datacollectionendpoints datacollectionruleassociations datacollectionrules
        insights 2022-06-15 webtests
        insights 2022-10-01 autoscalesettings
        insights 2023-01-01 actiongroups
        kusto 2023-08-15 clusters
        machinelearningservices 2023-10-01 workspaces
        maintenance 2023-04-01 configurationassignments maintenanceconfigurations
        managedidentity 2023-01-31 userassignedidentities
        managedservices 2022-10-01 registrationassignments registrationdefinitions
        network 2018-05-01 dnszones
        network 2020-06-01 privatednszones
        network 2022-04-01 trafficmanagerprofiles
        network 2023-09-01 applicationgateways applicationsecuritygroups azurefirewalls bastionhosts connections
        network 2023-09-01 ddosprotectionplans expressroutecircuits firewallpolicies loadbalancers localnetworkgateways
        network 2023-09-01 natgateways networkinterfaces networkwatchers privateendpoints privatelinkservices
        network 2023-09-01 publicipprefixes routetables virtualhubs virtualnetworkgateways virtualwans vpngateways
        operationsmanagement 2015-11-01-preview solutions
        policyinsights 2019-10-01 policyevents policystates
        policyinsights 2021-10-01 remediations
        purview 2021-12-01 accounts
        recoveryservices 2023-04-01 vaults
        resourcehealth 2022-10-01 availabilitystatuses events
        resources 2020-10-01 deploymentscripts
        resources 2021-04-01 deployments tags
        resources 2021-05-01 templatespecs
        search 2022-09-01 searchservices
        security 2017-08-01-preview autoprovisioningsettings
        security 2019-01-01-preview regulatorycompliancestandards subassessments
        security 2020-01-01 securescorecontrols securescores
        security 2021-06-01 assessments
        security 2022-01-01 alerts
        security 2022-05-01 settings
        security 2023-12-01-preview securitycontacts
        security 2024-01-01 pricings
        securityinsights 2023-02-01 alertrules automationrules bookmarks dataconnectors incidents watchlists
        servicebus 2021-11-01 namespaces
        sql 2021-11-01 managedinstances
        storagesync 2022-06-01 storagesyncservices
        subscription 2021-10-01 aliases
        support 2020-04-01 services supporttickets
        synapse 2021-06-01 workspaces
        virtualmachineimages 2022-07-01 imagetemplates
        web 2022-03-01 certificates serverfarms staticsites
        """

    /// Returns the provider and kind of a resource: `microsoft.compute`, `virtualmachines`; `nil` if it belongs to no
    /// provider.
    private static func kind(of steps: [String]) -> [String]? {
        guard let place = steps.lastIndex(of: "providers"), steps.count > place + 2 else { return nil }
        return Array(steps[(place + 1)...(place + 2)])
    }

    private static func fits(_ known: [String], _ asked: [String]) -> Bool {
        known.count == asked.count && zip(known, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
