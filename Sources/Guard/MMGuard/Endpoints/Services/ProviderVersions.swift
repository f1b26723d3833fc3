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
        guard let kind = kind(of: asked) else {
            // Subscriptions, resource groups and the paths in them belong to Azure Resource Manager itself.
            return asked.first == "subscriptions"
                ? rows.first { $0.steps == ["subscriptions", "{subscription}", "resourcegroups"] }?.version : nil
        }
        // Some kinds inside others have versions of their own.
        for depth in stride(from: kind.count, to: 2, by: -1) {
            if let inner = documented[Array(kind.prefix(depth))] { return inner }
        }
        // Resources below or beside a known one of the same provider and kind have its version.
        let outer = kind.prefix(2)
        if let same = rows.first(where: { self.kind(of: $0.steps)?.prefix(2) == outer }) { return same.version }
        return documented[Array(outer)]
    }

    /// The published versions of further kinds that administrators ask for, by provider and kinds.
    private static let documented: [[String]: String] = {
        var versions: [[String]: String] = [:]
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            for kind in words.dropFirst(2) {
                versions[["microsoft." + words[0]] + kind.split(separator: "/").map(String.init)] = words[1]
            }
        }
        return versions
    }()

    /// Provider, version, and the kinds that have it; a kind inside another with a version of its own as `outer/inner`.
    private static let lines = """
        aad 2022-12-01 domainservices
        aadiam 2017-04-01 diagnosticsettings
        advisor 2023-01-01 configurations recommendations suppressions
        alertsmanagement 2019-03-01 alerts
        alertsmanagement 2021-04-01 smartdetectoralertrules
        alertsmanagement 2021-08-08 actionrules
        alertsmanagement 2023-03-01 prometheusrulegroups
        apimanagement 2024-05-01 service
        app 2025-01-01 containerapps jobs managedenvironments
        appconfiguration 2024-05-01 configurationstores
        authorization 2015-07-01 elevateaccess
        authorization 2020-10-01 roleassignmentscheduleinstances roleassignmentschedulerequests
        authorization 2020-10-01 roleassignmentschedules roleeligibilityscheduleinstances
        authorization 2020-10-01 roleeligibilityschedulerequests roleeligibilityschedules rolemanagementpolicies
        authorization 2020-10-01 rolemanagementpolicyassignments
        authorization 2022-04-01 denyassignments permissions
        authorization 2022-07-01-preview policyexemptions
        authorization 2023-04-01 policydefinitions policysetdefinitions
        automation 2015-10-31 automationaccounts/webhooks
        automation 2019-06-01 automationaccounts/compilationjobs automationaccounts/nodes
        automation 2019-06-01 automationaccounts/softwareupdateconfigurations
        automation 2023-11-01 automationaccounts
        automation 2024-10-23 automationaccounts/runtimeenvironments automationaccounts/watchers
        azureactivedirectory 2021-04-01 b2cdirectories
        azurestackhci 2024-04-01 clusters
        batch 2023-05-01 batchaccounts
        billing 2020-05-01 billingaccounts/billingprofiles/instructions
        billing 2024-04-01 billingaccounts
        botservice 2022-09-15 botservices
        cache 2023-08-01 redis
        capacity 2022-11-01 reservationorders reservations
        cdn 2023-05-01 profiles
        cdn 2024-09-01 cdnwebapplicationfirewallpolicies
        cognitiveservices 2025-09-01 accounts
        communication 2023-04-01 communicationservices emailservices
        compute 2021-07-01 skus
        compute 2023-04-02 diskaccesses diskencryptionsets disks snapshots
        compute 2023-09-01 availabilitysets images locations proximityplacementgroups virtualmachinescalesets
        compute 2024-03-03 galleries
        compute 2024-11-01 capacityreservationgroups hostgroups restorepointcollections sshpublickeys
        consumption 2023-05-01 marketplaces reservationdetails reservationsummaries usagedetails
        containerinstance 2023-05-01 containergroups
        containerregistry 2019-04-01 registries/runs registries/tasks
        containerregistry 2023-07-01 registries
        containerservice 2023-10-01 managedclusters
        containerservice 2024-04-01 fleets
        costmanagement 2023-03-01 alerts dimensions exports forecast views
        dashboard 2024-10-01 grafana
        databox 2023-12-01 jobs
        databricks 2023-02-01 workspaces
        datafactory 2018-06-01 factories
        dataprotection 2023-05-01 backupvaults
        dbformysql 2023-06-30 flexibleservers/privateendpointconnections flexibleservers/privatelinkresources
        dbformysql 2023-12-30 flexibleservers
        dbforpostgresql 2024-08-01 flexibleservers
        desktopvirtualization 2024-04-03 appattachpackages applicationgroups hostpools scalingplans workspaces
        devcenter 2024-02-01 devcenters networkconnections projects
        devices 2021-07-02 iothubs
        devtestlab 2018-09-15 labs schedules
        documentdb 2023-11-15 databaseaccounts
        domainregistration 2024-11-01 domains
        elasticsan 2024-05-01 elasticsans
        eventgrid 2022-06-15 domains eventsubscriptions systemtopics topics
        eventhub 2024-01-01 namespaces
        extendedlocation 2021-08-15 customlocations
        fabric 2023-11-01 capacities
        guestconfiguration 2022-01-25 guestconfigurationassignments
        hdinsight 2021-06-01 clusters
        hybridcompute 2024-07-10 licenses machines privatelinkscopes
        hybridcompute 2025-01-13 machines/runcommands
        insights 2015-05-01 components/analyticsitems components/exportconfiguration components/favorites
        insights 2015-05-01 components/proactivedetectionconfigs
        insights 2016-03-01 logprofiles
        insights 2018-01-01 metricdefinitions metrics
        insights 2018-03-01 metricalerts
        insights 2020-02-02 components
        insights 2020-10-01 activitylogalerts
        insights 2021-05-01-preview diagnosticsettings diagnosticsettingscategories
        insights 2021-08-01 scheduledqueryrules
        insights 2021-09-01 privatelinkscopes
        insights 2022-04-01 workbooks
        insights 2022-06-01 datacollectionendpoints datacollectionruleassociations datacollectionrules
        insights 2022-06-15 webtests
        insights 2022-10-01 autoscalesettings
        insights 2023-01-01 actiongroups
        keyvault 2024-11-01 managedhsms
        kubernetes 2024-01-01 connectedclusters
        kubernetesconfiguration 2024-11-01 extensions fluxconfigurations
        kusto 2023-08-15 clusters
        logic 2019-05-01 integrationaccounts
        machinelearningservices 2023-10-01 workspaces
        maintenance 2023-04-01 applyupdates configurationassignments maintenanceconfigurations
        managedidentity 2023-01-31 userassignedidentities
        managedservices 2022-10-01 registrationassignments registrationdefinitions
        monitor 2023-04-03 accounts
        netapp 2024-09-01 netappaccounts
        network 2018-05-01 dnszones
        network 2020-06-01 privatednszones
        network 2021-06-01 frontdoors
        network 2022-04-01 trafficmanagerprofiles
        network 2022-07-01 dnsforwardingrulesets dnsresolvers
        network 2023-09-01 applicationgateways applicationsecuritygroups azurefirewalls bastionhosts connections
        network 2023-09-01 ddosprotectionplans expressroutecircuits firewallpolicies loadbalancers
        network 2023-09-01 localnetworkgateways natgateways networkinterfaces networkwatchers privateendpoints
        network 2023-09-01 privatelinkservices publicipprefixes routetables virtualhubs virtualnetworkgateways
        network 2023-09-01 virtualwans vpngateways
        network 2024-02-01 frontdoorwebapplicationfirewallpolicies
        network 2024-10-01 applicationgatewaywebapplicationfirewallpolicies expressrouteports ipgroups networkmanagers
        network 2024-10-01 networkprofiles networksecurityperimeters networkvirtualappliances p2svpngateways
        network 2024-10-01 routefilters serviceendpointpolicies virtualnetworktaps vpnserverconfigurations vpnsites
        notificationhubs 2023-09-01 namespaces
        operationalinsights 2023-09-01 clusters querypacks
        operationalinsights 2025-07-01 workspaces/summarylogs
        operationsmanagement 2015-11-01-preview solutions
        policyinsights 2019-10-01 policyevents policystates
        policyinsights 2021-10-01 remediations
        policyinsights 2024-10-01 attestations policymetadata
        powerbidedicated 2021-01-01 capacities
        purview 2021-12-01 accounts
        quota 2023-02-01 quotas usages
        recoveryservices 2023-04-01 vaults
        redhatopenshift 2023-11-22 openshiftclusters
        relay 2024-01-01 namespaces
        resourcehealth 2022-10-01 availabilitystatuses events
        resources 2020-10-01 deploymentscripts
        resources 2021-04-01 deployments tags
        resources 2021-05-01 templatespecs
        resources 2022-05-01 changes
        resources 2024-03-01 deploymentstacks
        search 2022-09-01 searchservices
        security 2017-08-01-preview autoprovisioningsettings
        security 2019-01-01-preview regulatorycompliancestandards subassessments
        security 2020-01-01 securescorecontrols securescores
        security 2021-06-01 assessmentmetadata assessments
        security 2022-01-01 alerts
        security 2022-05-01 settings
        security 2023-05-01 servervulnerabilityassessmentssettings
        security 2023-12-01-preview securitycontacts
        security 2024-01-01 pricings
        security 2024-08-01 securitystandards standardassignments
        securityinsights 2024-03-01 alertrules automationrules bookmarks dataconnectors incidents watchlists
        securityinsights 2024-09-01 alertruletemplates contentpackages contentproductpackages contenttemplates
        securityinsights 2024-09-01 metadata onboardingstates
        servicebus 2021-11-01 namespaces
        servicefabric 2021-06-01 clusters
        servicefabric 2024-04-01 managedclusters
        signalrservice 2024-03-01 signalr webpubsub
        sql 2023-08-01 managedinstances servers/databases/sqlvulnerabilityassessments
        sql 2023-08-01 servers/sqlvulnerabilityassessments
        storagesync 2022-06-01 storagesyncservices
        streamanalytics 2020-03-01 streamingjobs
        subscription 2021-10-01 aliases
        support 2024-04-01 services supporttickets
        synapse 2021-06-01 workspaces
        virtualmachineimages 2022-07-01 imagetemplates
        web 2016-06-01 connectiongateways connections customapis
        web 2023-12-01 certificates serverfarms staticsites
        web 2024-11-01 deletedsites hostingenvironments sites/certificates
        """

    /// Returns the provider of a resource and the kinds on the way to it: `microsoft.automation`, `automationaccounts`,
    /// `runbooks`; `nil` if it belongs to no provider.
    private static func kind(of steps: [String]) -> [String]? {
        guard let place = steps.lastIndex(of: "providers"), steps.count > place + 2 else { return nil }
        // Names of resources follow their kinds.
        return [steps[place + 1]] + stride(from: place + 2, to: steps.count, by: 2).map { steps[$0] }
    }

    private static func fits(_ known: [String], _ asked: [String]) -> Bool {
        known.count == asked.count && zip(known, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
