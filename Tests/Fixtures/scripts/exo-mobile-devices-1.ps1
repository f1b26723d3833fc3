#Requires -Modules ExchangeOnlineManagement
Connect-ExchangeOnline -ShowBanner:$false
$all = Get-MobileDevice -ResultSize Unlimited
Write-Host "Found $($all.Count) devices"
$all | Select-Object FriendlyName, DeviceOS, UserDisplayName, FirstSyncTime | Format-Table -AutoSize
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
