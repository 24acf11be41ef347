#!/usr/bin/env bash
# A real S3 server on this machine: Ceph with one monitor, one manager, one OSD in memory and the RADOS Gateway, which
# speaks S3 and STS and enforces IAM policies, versions and Object Lock.
#
#   ceph-gateway.sh install          Debian's packages, as root
#   ceph-gateway.sh up [DIRECTORY]   runs it until its input ends, or Ctrl-C, and leaves nothing behind
#
# `up` prints what the AWS SDK needs as NAME=value, a line each, once it answers, and then "ready". Everything that it
# makes lies in DIRECTORY (a new one under TMPDIR by default), and its ports are free ones, so that several run beside
# each other. Whoever started it ends it by closing its input: it cannot outlive a parent that was killed.
set -euo pipefail

packages=(ceph-mon ceph-mgr ceph-osd radosgw ceph-common curl)
owner=owner
owner_id=OWNERKEY
owner_secret=OWNERSECRET
user=clickhouse
user_id=CLICKHOUSEKEY
user_secret=CLICKHOUSESECRET
daemons=()

missing_programs() {
  local program
  for program in ceph-mon ceph-mgr ceph-osd radosgw radosgw-admin ceph ceph-authtool monmaptool curl; do
    command -v "$program" >/dev/null || echo "$program"
  done
}

install_packages() {
  [ -n "$(missing_programs)" ] || return 0
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >/dev/null
}

require_programs() {
  local missing
  missing=$(missing_programs | paste -sd ' ')
  [ -z "$missing" ] && return
  echo "Not installed: $missing. On Debian, as root: $0 install" >&2
  exit 2
}

# Below the ports that Linux gives to outgoing connections, so that none of those takes it in between.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((RANDOM % 12000 + 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  echo 'no free port between 20000 and 32000' >&2
  return 1
}

write_configuration() {
  cat >"$conf" <<CONF
[global]
fsid = $fsid
mon_initial_members = a
mon_host = [v2:127.0.0.1:$mon_port]
public_network = 127.0.0.0/8
ms_bind_msgr1 = false
run_dir = $dir
log_file = $dir/\$name.log
admin_socket = $dir/\$name.asok
pid_file = $dir/\$name.pid
mon_data = $dir/mon
mgr_data = $dir/mgr
osd_data = $dir/osd
keyring = $dir/\$name.keyring
auth_allow_insecure_global_id_reclaim = false

# One copy of everything, in memory, and as few placement groups as there can be: they make pools slow to create.
osd_objectstore = memstore
memstore_device_bytes = 6442450944
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false

[client.rgw]
rgw_data = $dir/rgw
rgw_frontends = beast endpoint=127.0.0.1:$s3_port
rgw_s3_auth_use_sts = true
rgw_sts_key = 0123456789abcdef
# Fifteen minutes by default: no test waits so long for a session to end.
rgw_sts_min_session_duration = 1
CONF
}

# All keys are in the monitor's first keyring, which spares asking the monitor for each of them.
make_keys() {
  ceph-authtool --create-keyring "$dir/mon.keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool --create-keyring "$dir/client.admin.keyring" --gen-key -n client.admin \
    --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool --create-keyring "$dir/mgr.x.keyring" --gen-key -n mgr.x \
    --cap mon 'allow profile mgr' --cap osd 'allow *'
  ceph-authtool --create-keyring "$dir/osd.0.keyring" --gen-key -n osd.0 \
    --cap mon 'allow profile osd' --cap mgr 'allow profile osd' --cap osd 'allow *'
  ceph-authtool --create-keyring "$dir/client.rgw.keyring" --gen-key -n client.rgw \
    --cap mon 'allow rw' --cap mgr 'allow rw' --cap osd 'allow rwx'
  local name
  for name in client.admin mgr.x osd.0 client.rgw; do
    ceph-authtool "$dir/mon.keyring" --import-keyring "$dir/$name.keyring"
  done
}

start() {
  "$@" -c "$conf" --foreground &
  daemons+=($!)
}

start_daemons() {
  local osd_uuid
  osd_uuid=$(</proc/sys/kernel/random/uuid)
  mkdir -p "$dir"/{mon,mgr,osd,rgw}
  make_keys
  monmaptool --create --addv a "[v2:127.0.0.1:$mon_port]" --fsid "$fsid" "$dir/monmap"
  ceph-mon -c "$conf" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/mon.keyring"
  start ceph-mon -i a --keyring "$dir/mon.keyring"
  timeout 60 ceph -c "$conf" osd new "$osd_uuid" 0
  start ceph-mgr -i x
  ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd_uuid"
  start ceph-osd -i 0
  start radosgw -n client.rgw
  wait_for_answer
}

wait_for_answer() {
  local pid
  for _ in {1..600}; do
    curl -fs -o "$dir/answer" "http://127.0.0.1:$s3_port" && return
    for pid in "${daemons[@]}"; do kill -0 "$pid" || return 1; done
    sleep 0.1
  done
  return 1
}

# The owner has the buckets, and may make roles and give them policies. The user may do what a bucket's policy lets it do.
make_identities() {
  radosgw-admin -c "$conf" user create --uid="$owner" --display-name="$owner" --caps='roles=*' \
    --access-key="$owner_id" --secret-key="$owner_secret"
  radosgw-admin -c "$conf" user create --uid="$user" --display-name="$user" \
    --access-key="$user_id" --secret-key="$user_secret"
}

say_where() {
  echo "AWS_ENDPOINT_URL_S3=http://127.0.0.1:$s3_port"
  echo "AWS_ENDPOINT_URL_IAM=http://127.0.0.1:$s3_port"
  echo "AWS_ENDPOINT_URL_STS=http://127.0.0.1:$s3_port"
  echo "AWS_REGION=us-east-1"
  echo "AWS_ACCESS_KEY_ID=$owner_id"
  echo "AWS_SECRET_ACCESS_KEY=$owner_secret"
  echo "SAFEHOUSE_OWNER_ARN=arn:aws:iam:::user/$owner"
  echo "SAFEHOUSE_USER_ARN=arn:aws:iam:::user/$user"
  echo "SAFEHOUSE_USER_ACCESS_KEY_ID=$user_id"
  echo "SAFEHOUSE_USER_SECRET_ACCESS_KEY=$user_secret"
  echo ready
}

# What they hold is in memory and of no use to anybody: they need not write it down.
stop_daemons() {
  local pid
  for pid in "${daemons[@]}"; do kill -9 "$pid" || true; done
  # Bash says of each what ended it, which is no news.
  wait || true
  rm -rf "$dir"
} 2>/dev/null

up() {
  require_programs
  dir=${1:-$(mktemp -d "${TMPDIR:-/tmp}/ceph-gateway-XXXXXX")}
  mkdir -p "$dir"
  conf=$dir/ceph.conf
  fsid=$(</proc/sys/kernel/random/uuid)
  mon_port=$(free_port)
  s3_port=$(free_port)
  trap stop_daemons EXIT
  trap 'exit 130' INT TERM
  write_configuration
  { start_daemons && make_identities; } >"$dir/up.log" 2>&1 </dev/null || {
    echo "The gateway did not start. The end of its log:" >&2
    tail -n 20 "$dir/up.log" >&2
    exit 1
  }
  say_where
  # Reads nothing, and returns at the end of input. Without a pipe or a terminal there is nobody to wait for.
  while read -r _; do :; done
}

case ${1:-} in
  install) install_packages ;;
  up) shift && up "$@" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
