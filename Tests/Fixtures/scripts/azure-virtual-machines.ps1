Connect-AzAccount
$subscriptions = Get-AzSubscription
foreach ($s in $subscriptions) {
    Set-AzContext -SubscriptionId $s.Id | Out-Null
    Get-AzVM -Status | Select-Object Name, ResourceGroupName, PowerState
}
